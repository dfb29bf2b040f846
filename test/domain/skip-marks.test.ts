import { expect, test } from 'vitest';
import { toCode, toFence, toInline, toPlainTitle, toQuote } from '../../src/domain/markdown-escape.ts';
import { breakSkipMarks } from '../../src/domain/skip-marks.ts';

/** A zero-width space, to be seen. */
const Z = '\u200B';

const MARKS = [
  ['[skip ci]', `[${Z}skip ci]`],
  ['[ci skip]', `[${Z}ci skip]`],
  ['[no ci]', `[${Z}no ci]`],
  ['[skip actions]', `[${Z}skip actions]`],
  ['[actions skip]', `[${Z}actions skip]`],
  ['[Skip CI] and [CI-SKIP]', `[${Z}Skip CI] and [${Z}CI-SKIP]`],
  ['***NO_CI***', `***${Z}NO_CI***`],
  ['skip-checks: true', `skip-${Z}checks: true`],
  ['Skip-Checks:true', `Skip-${Z}Checks:true`],
] as const;

test.each(MARKS)('%j skips nothing any more', (text, broken) => {
  expect(breakSkipMarks(text)).toBe(broken);
});

test.each(['skip ci', '[skip]', '[x] no ci yet', '***bold***', 'skip-checks', '[a skipped test]'])(
  '%j stays as it is',
  (text) => {
    expect(breakSkipMarks(text)).toBe(text);
  },
);

test.each([
  ['toInline', toInline],
  ['toCode', toCode],
  ['toFence', toFence],
  ['toQuote', toQuote],
  ['toPlainTitle', toPlainTitle],
])('%s lets none through into a pull request, also where what cannot be seen is left out', (_, escape) => {
  const text = MARKS.map(([mark]) => mark).join(' ') + ' [skip\u200B ci] [\u001B[31mskip\u001B[0m ci]';

  expect(escape(text, 1000)).not.toMatch(
    /\[(skip|no|ci|actions)[ -](ci|skip|actions)\]|\*NO_CI|skip-checks:/i,
  );
});
