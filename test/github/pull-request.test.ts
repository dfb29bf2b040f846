import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RepositoryTarget } from '../../src/domain/trigger.ts';
import { type GitHubAtStandin, fullNameOf, openGitHubAtStandin } from '../support/github-at-standin.ts';

let at: GitHubAtStandin;
beforeAll(async () => {
  at = await openGitHubAtStandin();
});
afterEach(() => at.standin.faults.clear());
afterAll(() => at[Symbol.asyncDispose]());

const wanted = {
  head: 'agent/42-totals',
  base: 'main',
  title: 'Totals',
  body: 'Closes #42',
  draft: false,
  headCommit: null,
  mayExist: false,
};

describe('the pull request', () => {
  test('is opened with one request', async () => {
    const target = await aPushedBranch();

    const requests = await at.requestsOf(() => at.github.ensurePullRequest(target, wanted));

    expect(requests).toEqual(['POST …/pulls']);
    expect(pullsOf(target)).toMatchObject([
      { title: 'Totals', body: 'Closes #42', draft: false, state: 'open' },
    ]);
  });

  test('is found when it is open already', async () => {
    const target = await aPushedBranch();
    const first = await at.github.ensurePullRequest(target, wanted);

    const second = await at.github.ensurePullRequest(target, wanted);

    expect(second).toEqual(first);
    expect(second.headCommit).toBe((await at.standin.state.branches(fullNameOf(target)))[wanted.head]);
  });

  test('is there once although the answer to its creation got lost', async () => {
    const target = await aPushedBranch();
    at.standin.faults.add({ method: 'POST', path: /\/pulls$/, breakSocket: 'after', times: 1 });

    const { number } = await at.github.ensurePullRequest(target, wanted);

    expect(pullsOf(target).map((pull) => pull.number)).toEqual([number]);
  });

  test.for(['closed', 'merged'] as const)(
    'is found on a repeat although a person has %s it, and no second one is opened',
    async (end) => {
      const target = await aPushedBranch();
      const { number, headCommit } = await at.github.ensurePullRequest(target, wanted);
      const alice = at.standin.as('alice');
      if (end === 'merged') await alice.mergePullRequest(fullNameOf(target), number);
      else await alice.closePullRequest(fullNameOf(target), number);

      const found = await at.github.ensurePullRequest(target, { ...wanted, headCommit, mayExist: true });

      expect(found).toMatchObject({ number, headCommit, isOpen: false });
      expect(pullsOf(target)).toHaveLength(1);
    },
  );

  test('is opened although an earlier job’s, or a person’s, was closed on the same branch', async () => {
    const target = await aPushedBranch();
    const name = fullNameOf(target);
    const alice = at.standin.as('alice');
    const ofPerson = await alice.openPullRequest(name, { head: wanted.head, title: 'Mine' });
    await alice.closePullRequest(name, ofPerson.number);
    const { [wanted.head]: headCommit = '' } = await at.standin.state.branches(name);
    const repeat = { ...wanted, headCommit, mayExist: true };

    const first = await at.github.ensurePullRequest(target, repeat);
    await alice.closePullRequest(name, first.number);
    await alice.pushFiles(name, wanted.head, { 'src/y.js': '2' }, 'Later work');
    const { [wanted.head]: later = '' } = await at.standin.state.branches(name);
    const second = await at.github.ensurePullRequest(target, { ...repeat, headCommit: later });

    expect([first.isOpen, second.isOpen]).toEqual([true, true]);
    expect(new Set([ofPerson.number, first.number, second.number]).size).toBe(3);
  });

  test('is opened as a draft when that is wanted', async () => {
    const target = await aPushedBranch();

    await at.github.ensurePullRequest(target, { ...wanted, draft: true });

    expect(pullsOf(target)).toMatchObject([{ draft: true }]);
  });

  test('is opened for review where GitHub refuses drafts', async () => {
    const target = await aPushedBranch();
    at.standin.faults.add({
      method: 'POST',
      path: /\/pulls$/,
      status: 422,
      body: {
        message: 'Draft pull requests are not supported in this repository.',
        documentation_url: 'https://docs.github.com/rest/pulls/pulls#create-a-pull-request',
      },
      times: 1,
    });

    await at.github.ensurePullRequest(target, { ...wanted, draft: true });

    expect(pullsOf(target)).toMatchObject([{ draft: false }]);
  });

  test('fails as invalid without commits, or without a branch', async () => {
    const target = await at.createTarget();
    await at.github.ensureStartCommit(target, { branch: 'agent/other', message: 'Start', takeOver: [] });

    await expect(at.github.ensurePullRequest(target, wanted)).rejects.toMatchObject({ kind: 'invalid' });
  });

  test('takes texts of any length', async () => {
    const target = await aPushedBranch();

    await at.github.ensurePullRequest(target, {
      ...wanted,
      title: 't'.repeat(1000),
      body: 'b'.repeat(100_000),
    });

    const [pull] = pullsOf(target);
    expect(pull?.title).toHaveLength(256);
    expect(pull?.body).toHaveLength(65_536);
  });
});

describe('what is wished of it', () => {
  test('is done with a request for each kind', async () => {
    const { target, number } = await anOpenPullRequest();
    at.standin.createUser('olga');
    at.standin.setRole(fullNameOf(target), 'olga', 'read');
    let refused: string[] = [];

    const requests = await at.requestsOf(async () => {
      refused = await at.github.addToPullRequest(target, number, {
        reviewers: ['alice', 'olga'],
        labels: ['from-agents', 'bug'],
        assignee: 'alice',
      });
    });

    expect(refused).toEqual([]);
    expect(requests).toEqual([
      `POST …/pulls/${number}/requested_reviewers`,
      `POST …/issues/${number}/labels`,
      `POST …/issues/${number}/assignees`,
    ]);
    expect(pullsOf(target)).toMatchObject([
      {
        requested_reviewers: [{ login: 'alice' }, { login: 'olga' }],
        labels: [{ name: 'from-agents' }, { name: 'bug' }],
        assignees: [{ login: 'alice' }],
      },
    ]);
  });

  test('is told where GitHub does not take it, and the rest is done', async () => {
    const { target, number } = await anOpenPullRequest();
    at.standin.createUser('mallory');
    at.standin.faults.add({
      method: 'POST',
      path: /\/labels$/,
      status: 422,
      body: { message: 'Validation Failed' },
    });

    const refused = await at.github.addToPullRequest(target, number, {
      reviewers: ['mallory', 'alice', 'acme/ghosts', 'evil/team'],
      labels: ['bug'],
      assignee: 'mallory',
    });

    expect(refused).toEqual([
      expect.stringMatching(
        /^mallory could not be asked for a review\. GitHub answered 422: Reviews may only .* repository\.$/,
      ),
      expect.stringMatching(/^acme\/ghosts could not be asked .*422/),
      'evil/team could not be asked for a review. It is no team of acme.',
      expect.stringMatching(/^The pull request could not be labelled bug\. GitHub answered 422/),
      'The pull request could not be assigned to mallory. GitHub lets only people with write access be assigned.',
    ]);
    expect(pullsOf(target)).toMatchObject([{ requested_reviewers: [{ login: 'alice' }], assignees: [] }]);
  });

  test('is tried again when GitHub is to be asked later', async () => {
    const { target, number } = await anOpenPullRequest();
    at.standin.faults.add({ method: 'POST', path: /requested_reviewers$/, status: 429, times: 1 });

    await expect(
      at.github.addToPullRequest(target, number, { reviewers: ['alice'], labels: [], assignee: null }),
    ).rejects.toMatchObject({ kind: 'rate_limited' });
  });
});

async function anOpenPullRequest() {
  const target = await aPushedBranch();
  const { number } = await at.github.ensurePullRequest(target, wanted);
  return { target, number };
}

async function aPushedBranch(): Promise<RepositoryTarget> {
  const target = await at.createTarget();
  await at.standin.as('alice').pushFiles(fullNameOf(target), wanted.head, { 'src/x.js': '1' }, 'Work');
  return target;
}

function pullsOf(target: RepositoryTarget) {
  return at.standin.state.pullRequests(fullNameOf(target));
}
