import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RepositoryTarget } from '../../src/domain/trigger.ts';
import { type GitHubAtStandin, fullNameOf, openGitHubAtStandin } from '../support/github-at-standin.ts';

let at: GitHubAtStandin;
beforeAll(async () => {
  at = await openGitHubAtStandin();
});
afterEach(() => at.standin.faults.clear());
afterAll(() => at[Symbol.asyncDispose]());

const wanted = { branch: 'agent/42-totals', message: 'Start\n\nYardmaster-Attempt: 1', takeOver: [] };

describe('the start commit', () => {
  test('is an empty commit on the default branch, made with three requests', async () => {
    const target = await at.createTarget();

    const requests = await at.requestsOf(() => at.github.ensureStartCommit(target, wanted));

    expect(requests).toEqual(['GET …/branches/main', 'POST …/git/commits', 'POST …/git/refs']);
    const { main, [wanted.branch]: head = '' } = await branchesOf(target);
    const [start, base] = await at.standin.state.commits(fullNameOf(target), head);
    expect(start).toMatchObject({ sha: head, tree: base?.tree, parents: [main] });
    expect(start?.message).toContain('Yardmaster-Attempt: 1');
  });

  test('is on another branch where the settings say so, and tells of one that is not there', async () => {
    const target = await at.createTarget();
    const onto = await at.standin
      .as('alice')
      .pushFiles(fullNameOf(target), 'develop', { 'new.txt': 'x' }, 'Develop');

    const made = await at.github.ensureStartCommit(target, { ...wanted, base: 'develop' });
    const again = await at.github.ensureStartCommit(target, { ...wanted, base: 'develop' });

    expect(made.base).toEqual({ branch: 'develop', commit: onto });
    expect(again).toEqual(made);
    await expect(
      at.github.ensureStartCommit(target, { ...wanted, branch: 'agent/43-x', base: 'devlop' }),
    ).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('There is no branch "devlop"'),
    });
  });

  test('is the same one when it is asked for again', async () => {
    const target = await at.createTarget();
    const first = await at.github.ensureStartCommit(target, wanted);
    await at.standin.as('alice').pushFiles(fullNameOf(target), 'main', { 'new.txt': 'x' }, 'Go on');

    const second = await at.github.ensureStartCommit(target, wanted);

    expect(second).toEqual(first);
  });

  test('is the same one although the answer to the creation of its branch got lost', async () => {
    const target = await at.createTarget();
    at.standin.faults.add({ method: 'POST', path: /\/git\/refs$/, breakSocket: 'after', times: 1 });

    const { startCommit } = await at.github.ensureStartCommit(target, wanted);

    expect((await branchesOf(target))[wanted.branch]).toBe(startCommit);
  });

  test('takes the branch over from the former attempt of the job', async () => {
    const target = await at.createTarget();
    const former = await at.github.ensureStartCommit(target, wanted);

    const next = { ...wanted, message: 'Start\n\nYardmaster-Attempt: 2', takeOver: [former.startCommit] };
    const second = await at.github.ensureStartCommit(target, next);
    const again = await at.github.ensureStartCommit(target, next);

    expect(second.startCommit).not.toBe(former.startCommit);
    expect(second.base).toEqual(former.base);
    expect(again).toEqual(second);
    expect((await branchesOf(target))[wanted.branch]).toBe(second.startCommit);
  });

  test('makes the branch anew when it was deleted in between', async () => {
    const target = await at.createTarget();
    const former = await at.github.ensureStartCommit(target, wanted);
    await at.github.deleteBranch(target, wanted.branch, [former.startCommit]);

    const { startCommit } = await at.github.ensureStartCommit(target, {
      ...wanted,
      message: 'Second',
      takeOver: [former.startCommit],
    });

    expect((await branchesOf(target))[wanted.branch]).toBe(startCommit);
  });

  test.each([
    ['without a former attempt', []],
    ['with a former attempt that stood elsewhere', ['f'.repeat(40)]],
  ])('never moves a branch that is of somebody else, %s', async (_name, takeOver) => {
    const target = await at.createTarget();
    await at.standin.as('alice').pushFiles(fullNameOf(target), wanted.branch, { 'mine.txt': 'x' }, 'By hand');
    const before = await branchesOf(target);

    await expect(at.github.ensureStartCommit(target, { ...wanted, takeOver })).rejects.toMatchObject({
      kind: 'conflict',
      message: expect.stringMatching(
        /"agent\/42-totals" stands at \w+, which is not of this job\. Delete or rename/,
      ),
    });

    expect(await branchesOf(target)).toEqual(before);
  });

  test('fails with a reason for people in an empty repository', async () => {
    const target = await at.createTarget({ files: {} });

    await expect(at.github.ensureStartCommit(target, wanted)).rejects.toMatchObject({
      kind: 'gone',
      message: expect.stringMatching(/empty repository needs a first commit/),
    });
  });

  test('fails as unavailable while GitHub is down, and leaves no branch', async () => {
    const target = await at.createTarget();
    at.standin.faults.add({ method: 'POST', path: /\/git\/refs$/, status: 500 });

    await expect(at.github.ensureStartCommit(target, wanted)).rejects.toMatchObject({ kind: 'unavailable' });

    expect(Object.keys(await branchesOf(target))).toEqual(['main']);
  });
});

describe('the removal of a branch', () => {
  test('takes it away where it stands at a commit of ours', async () => {
    const target = await at.createTarget();
    const { startCommit } = await at.github.ensureStartCommit(target, wanted);

    expect(await at.github.deleteBranch(target, wanted.branch, [startCommit])).toBe(true);
    expect(await at.github.deleteBranch(target, wanted.branch, [startCommit])).toBe(false);

    expect(Object.keys(await branchesOf(target))).toEqual(['main']);
  });

  test('leaves it where somebody went on with it', async () => {
    const target = await at.createTarget();
    const { startCommit } = await at.github.ensureStartCommit(target, wanted);
    await at.standin.as('alice').pushFiles(fullNameOf(target), wanted.branch, { 'x.txt': 'x' }, 'Mine');

    expect(await at.github.deleteBranch(target, wanted.branch, [startCommit])).toBe(false);

    expect(Object.keys(await branchesOf(target))).toContain(wanted.branch);
  });

  test('never touches the default branch', async () => {
    const target = await at.createTarget();
    const { main = '' } = await branchesOf(target);

    const requests = await at.requestsOf(async () => {
      expect(await at.github.deleteBranch(target, 'main', [main])).toBe(false);
    });

    expect(requests).toEqual([]);
  });

  test('fails while GitHub is down, with the branch still there', async () => {
    const target = await at.createTarget();
    const { startCommit } = await at.github.ensureStartCommit(target, wanted);
    at.standin.faults.add({ method: 'DELETE', path: /\/git\/refs\//, status: 502 });

    await expect(at.github.deleteBranch(target, wanted.branch, [startCommit])).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });

  test('is done although the answer to it got lost', async () => {
    const target = await at.createTarget();
    const { startCommit } = await at.github.ensureStartCommit(target, wanted);
    at.standin.faults.add({ method: 'DELETE', path: /\/git\/refs\//, breakSocket: 'after', times: 1 });

    const removed = await at.github.deleteBranch(target, wanted.branch, [startCommit]);

    expect(removed).toBe(true);
    expect(Object.keys(await branchesOf(target))).toEqual(['main']);
  });
});

function branchesOf(target: RepositoryTarget): Promise<Record<string, string>> {
  return at.standin.state.branches(fullNameOf(target));
}
