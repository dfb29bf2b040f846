import { expect, test } from 'vitest';
import type { FileChange } from '../../src/contract/attempt-result.ts';
import { toChangesText } from '../../src/domain/changes-text.ts';
import { findDangers, HOSTILE_TEXT } from '../support/hostile-text.ts';

const change = (path: string, more: Partial<FileChange> = {}): FileChange => ({
  path,
  status: 'modified',
  added: 1,
  removed: 0,
  ...more,
});

test('tells which files GitHub folds as generated, and what was left out', () => {
  const changes = [change('a.js'), change('api.js', { generated: true })];
  const leftOut = [
    { path: 'dist/', what: 'build output', files: 2 },
    { path: 'a.js.orig', what: 'a leftover of a merge or patch', files: 1 },
  ];

  expect(toChangesText({ changes, changedFiles: 3, leftOut }, 10)).toBe(`3 files changed.

| File | Change | Lines |
| --- | --- | --- |
| \`a.js\` | modified | +1 −0 |
| \`api.js\` | modified, generated | +1 −0 |

… and 1 more.

“Generated” is what \`.gitattributes\` calls so. GitHub folds it: look at it all the same, since it was changed.

Left out, since tools made it on the way: \`dist/\` (build output, 2 files), \`a.js.orig\` (a leftover of a merge or patch).`);
});

test('lets nothing out that GitHub would act on', () => {
  const leftOut = [{ path: HOSTILE_TEXT, what: HOSTILE_TEXT.slice(0, 100), files: 1 }];

  expect(
    findDangers(toChangesText({ changes: [change(HOSTILE_TEXT)], changedFiles: 1, leftOut }, 10)),
  ).toEqual([]);
});
