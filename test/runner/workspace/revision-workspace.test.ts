import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobSpec } from '../../../src/contract/job.ts';
import type { Revision } from '../../../src/contract/revision.ts';
import { aRevision } from '../../support/job-builders.ts';
import { startYard, type WorkspaceYard } from '../../support/workspaces.ts';

const BOT = { name: 'bot', email: 'bot@example.com' };
const BRANCH = 'agent/42-totals-are-wrong-for-empty-carts';

let yard: WorkspaceYard;
/** Where pull request and base branch stand: both have changed `cart.js`, and the base `more.js` as well. */
let head: string;
let base: string;
beforeAll(async () => {
  yard = await startYard();
  const { server } = yard;
  await server.commit('main', { 'cart.js': 'one\n', 'AGENTS.md': 'of before\n' });
  await server.git('branch', BRANCH, 'main');
  head = await server.commit(BRANCH, { 'cart.js': 'ours\n', 'AGENTS.md': 'of the pull request\n' });
  base = await server.commit('main', { 'cart.js': 'theirs\n', 'more.js': 'more\n', 'own.md': 'own\n' });
});
afterAll(() => yard[Symbol.asyncDispose]());

async function openRevision(revision: Partial<Revision>) {
  const { counted: _counted, reviewers: _reviewers, runnerId: _runnerId, ...facts } = aRevision();
  const spec: JobSpec = {
    ...(await yard.spec({ kind: 'revise' })),
    base: { branch: 'main', commit: head },
    startCommit: head,
    revision: { ...facts, baseCommit: base, ...revision },
  };
  await yard.server.git('update-ref', `refs/heads/${BRANCH}`, head);
  return yard.open(spec);
}

it('holds the pull request, but reads instructions where people alone may change them', async () => {
  const workspace = await openRevision({});

  expect(await readFile(join(workspace.folder, 'AGENTS.md'), 'utf8')).toBe('of the pull request\n');
  expect(workspace.ownFiles?.paths).toContain('own.md');
  expect(await workspace.ownFiles?.read('AGENTS.md')).toBe('of before\n');
  expect(await workspace.ownFiles?.read('../AGENTS.md')).toBeNull();

  await writeFile(join(workspace.folder, 'cart.js'), 'reworked\n');
  const tree = await workspace.snapshot();
  const commit = await workspace.commit(tree, 'Rework', BOT);
  expect(await workspace.push(commit)).toEqual({ kind: 'pushed' });
  expect(await yard.server.git('rev-list', '--parents', '-1', BRANCH)).toBe(`${commit} ${head}`);
  await workspace.remove();
});

it('is fenced by whatever a person pushes meanwhile', async () => {
  const workspace = await openRevision({});
  await writeFile(join(workspace.folder, 'cart.js'), 'reworked\n');
  const commit = await workspace.commit(await workspace.snapshot(), 'Rework', BOT);
  const own = await yard.server.commit(BRANCH, { 'notes.txt': 'mine\n' });

  expect(await workspace.push(commit)).toEqual({ kind: 'fenced' });
  expect(await yard.server.git('rev-parse', BRANCH)).toBe(own);
  await workspace.remove();
});

it('merges the base first: conflicts are the agent’s, what git can merge is no change, and both are parents', async () => {
  const workspace = await openRevision({ mergeBase: true });
  const file = join(workspace.folder, 'cart.js');

  expect(workspace.merge).toEqual({ conflicts: ['cart.js'] });
  expect(await readFile(file, 'utf8')).toMatch(/^<<<<<<< .*\nours\n=======\ntheirs\n>>>>>>> /);
  const untouched = await workspace.snapshot();
  expect(await workspace.changes(untouched)).toEqual([]);
  expect(await workspace.unresolved(untouched)).toEqual(['cart.js']);

  await writeFile(file, 'both\n');
  const tree = await workspace.snapshot();
  expect(await workspace.unresolved(tree)).toEqual([]);
  expect((await workspace.changes(tree)).map(({ path }) => path)).toEqual(['cart.js']);
  const commit = await workspace.commit(tree, 'Merge', BOT);
  expect(await workspace.push(commit)).toEqual({ kind: 'pushed' });
  expect(await yard.server.git('rev-list', '--parents', '-1', BRANCH)).toBe(`${commit} ${head} ${base}`);
  expect(await yard.server.git('show', `${BRANCH}:more.js`)).toBe('more');
  await workspace.remove();
  expect(await yard.server.git('for-each-ref', 'refs/keep')).toBe('');
});
