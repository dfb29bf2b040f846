import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RepositoryTarget } from '../../src/domain/trigger.ts';
import { fullNameOf, type GitHubAtStandin, openGitHubAtStandin } from '../support/github-at-standin.ts';

let yard: GitHubAtStandin;
let target: RepositoryTarget;
let number: number;
beforeAll(async () => {
  yard = await openGitHubAtStandin();
  target = await yard.createTarget({ private: true });
  const alice = yard.standin.as('alice');
  await alice.pushFiles(fullNameOf(target), 'agent/1-x', { 'cart.js': 'one\ntwo\n' }, 'Work');
  const texts = { title: 'Work', body: 'Ours' };
  const wanted = {
    head: 'agent/1-x',
    base: 'main',
    ...texts,
    draft: false,
    headCommit: null,
    mayExist: false,
  };
  ({ number } = await yard.github.ensurePullRequest(target, wanted));
});
afterAll(() => yard[Symbol.asyncDispose]());

test('reviews, their comments and answers are read, and each thread is answered once', async () => {
  const { github, standin } = yard;
  const repository = fullNameOf(target);
  const comments = [{ path: 'cart.js', line: 2, body: 'Three.' }];
  const review = { event: 'REQUEST_CHANGES' as const, body: 'Nearly.', comments };
  await standin.as('alice').reviewPullRequest(repository, number, review);
  const { comments: before } = await github.readReviews(target, number);
  const threadId = before[0]?.threadId ?? 0;
  const answer = { threadId, marker: '<!-- mark -->', body: 'Done.', mayExist: false };

  await github.answerThread(target, number, answer);
  const repeated = await yard.requestsOf(() =>
    github.answerThread(target, number, { ...answer, mayExist: true }),
  );
  await github.answerThread(target, number, { ...answer, threadId: 999 });
  const read = await github.readReviews(target, number);

  expect(repeated.filter((request) => request.startsWith('POST'))).toEqual([]);
  expect(read.reviews[0]).toMatchObject({
    state: 'CHANGES_REQUESTED',
    body: 'Nearly.',
    author: { login: 'alice', isBot: false },
  });
  expect(read.comments.toSorted((a, b) => a.id - b.id)).toMatchObject([
    { threadId, body: 'Three.', path: 'cart.js', line: 2, hunk: expect.stringContaining('+two') },
    { threadId, body: '<!-- mark -->\n\nDone.', author: { isBot: true } },
  ]);
});

test('an answer whose reply got lost is found again, not given twice', async () => {
  const { github, standin } = yard;
  const { comments } = await github.readReviews(target, number);
  const threadId = comments[0]?.threadId ?? 0;
  standin.faults.add({ method: 'POST', path: /replies$/, breakSocket: 'after', times: 1 });

  await github.answerThread(target, number, {
    threadId,
    marker: '<!-- two -->',
    body: 'Done.',
    mayExist: false,
  });

  const { comments: after } = await github.readReviews(target, number);
  expect(after.filter(({ body }) => body.startsWith('<!-- two -->'))).toHaveLength(1);
});

test('failed checks of another App are read with their annotations, and the text is changed', async () => {
  const { github, standin } = yard;
  const repository = fullNameOf(target);
  const report = { name: 'lint', title: 'Red', summary: 'One mistake', text: 'no-undef' };
  const annotations = [{ path: 'cart.js', line: 2, message: 'no' }];
  const id = await standin.otherApp.reportCheck(repository, 'agent/1-x', {
    ...report,
    conclusion: 'failure',
    annotations,
  });
  const run = standin.state.checkRuns(repository).find((one) => one.id === id);

  expect(await github.readFailedChecks(target, run?.check_suite.id ?? 0)).toEqual({
    checks: [{ name: 'lint', output: 'Red\n\nOne mistake\n\nno-undef', annotations }],
    // The App was not given what it takes, which is said with the place where to give it.
    withoutLog: expect.stringMatching(/actions: read.*grant it at/),
  });

  const { 'agent/1-x': head = '' } = await standin.state.branches(repository);
  expect((await github.readFailedOfCommit(target, head, standin.app.id)).checks).toMatchObject([
    { name: 'lint' },
  ]);
  // Our own checks are no reason.
  expect((await github.readFailedOfCommit(target, head, 15_368)).checks).toEqual([]);

  await github.changePullRequestBody(target, number, 'Other words');
  expect(await github.readPullRequest(target, number)).toMatchObject({
    body: 'Other words',
    base: 'main',
    locked: false,
    mergeable: true,
  });
});

test('the log of a failed job of GitHub Actions and failed statuses are read where the App may, the log without our token', async () => {
  const { github, standin } = yard;
  standin.createOrganization('globex');
  const { fullName } = await standin.createRepository({ owner: 'globex', name: 'logs', files: { a: 'b' } });
  const permissions = {
    metadata: 'read',
    checks: 'read',
    contents: 'read',
    actions: 'read',
    statuses: 'read',
  } as const;
  const { installationId } = await standin.install('globex', { permissions });
  const repository = await github.readRepository({ installationId, fullName });
  const lines = [
    '##[group]Run npm test',
    `${'x'.repeat(99)}\n`.repeat(20_000),
    'not ok 1 - totals',
    '##[error]exit code 1',
  ];
  const id = await standin.otherApp.reportCheck(fullName, 'main', {
    name: 'test',
    conclusion: 'failure',
    log: lines.map((line) => `2026-05-04T12:00:00.1234567Z ${line}`).join('\n'),
  });
  const run = standin.state.checkRuns(fullName).find((one) => one.id === id);

  const { checks, withoutLog } = await github.readFailedChecks(
    { installationId, repository },
    run?.check_suite.id ?? 0,
  );

  expect(withoutLog).toBeNull();
  expect(checks[0]?.output).toMatch(/not ok 1 - totals\nError: exit code 1$/);
  expect(checks[0]?.output.length).toBeLessThan(8000);

  // Those that are no check runs, as Jenkins and others report them: the newest of each context counts.
  const { main: head = '' } = await standin.state.branches(fullName);
  standin.setRole(fullName, 'alice', 'write');
  const token = standin.createUserToken('alice');
  const said = [
    { state: 'failure', context: 'ci/mended' },
    { state: 'success', context: 'ci/mended' },
    { state: 'error', context: 'ci/jenkins', description: 'build 7', target_url: 'https://ci.example/7' },
  ];
  for (const status of said) {
    const { ok } = await fetch(`${standin.url}/api/v3/repos/${fullName}/statuses/${head}`, {
      method: 'POST',
      headers: { authorization: `token ${token}`, 'content-type': 'application/json', 'user-agent': 'ci' },
      body: JSON.stringify(status),
    });
    expect(ok).toBe(true);
  }
  expect(
    (await github.readFailedOfCommit({ installationId, repository }, head, standin.app.id)).checks,
  ).toMatchObject([
    { name: 'ci/jenkins', output: 'build 7\nhttps://ci.example/7', annotations: [] },
    { name: 'test' },
  ]);
});
