import { expect, test } from 'vitest';
import { ENGINES } from './support/database.ts';
import { FAULT_TIMINGS, PATIENCE_MS } from './support/fault-timings.ts';
import { type FaultYard, REPOSITORY, startFaultYard } from './support/fault-yard.ts';
import { hitAgainAndAgain } from './support/hit-again-and-again.ts';
import { findBadCheckRuns } from './support/nothing-lost.ts';
import { noteRecovery } from './support/recovery.ts';

/** Each writes to something that must be there once, or that must not be begun twice. */
const WRITES = [
  '/replies',
  '/requested_reviewers',
  '/check-runs',
  'insert into jobs',
  'insert into attempts',
];

test.for(ENGINES)(
  'coordinator kill -9 between the writes of a round of review, on %s',
  { timeout: 20 * PATIENCE_MS },
  async (engine, context) => {
    await using yard = await startFaultYard({
      engine,
      timings: { heartbeatSeconds: FAULT_TIMINGS.leaseSeconds / 4 },
    });
    const reviewer = addReviewer(yard);

    const hits = await hitAgainAndAgain(yard, yard.coordinator(), {
      story: { title: 'Do it', end: 'succeeded', further: (issue) => review(yard, reviewer, issue) },
      stride: 12,
      mostHits: 20,
      everyNth: 3,
      alsoAt: WRITES,
      afterRestart: () => yard.redeliverFailed(),
    });

    for (const write of WRITES) expect(hits.writes.join('\n')).toContain(write);
    for (const issue of Object.keys(hits.expected)) await expectOneRound(yard, reviewer, Number(issue));
    expect(findBadCheckRuns(yard)).toEqual([]);
    const variant = `a round of review, ${engine}, every 3rd write, ${hits.writes.length} kills`;
    noteRecovery(context, 'coordinator kill -9 at any line', variant, hits.recoveriesMs);
  },
);

/** Somebody with a say in the repository. */
function addReviewer(yard: FaultYard): string {
  const login = 'rita';
  yard.github.createUser(login);
  yard.github.setRole(REPOSITORY, login, 'write');
  return login;
}

async function pullOf(yard: FaultYard, issue: number) {
  const { branch } = await yard.jobIn(issue, 'succeeded');
  const [pull, ...more] = yard.github.state
    .pullRequests(REPOSITORY)
    .filter(({ head }) => head.ref === branch);
  if (!pull || more.length > 0) throw new Error(`#${issue} should have one pull request`);
  return pull;
}

async function review(yard: FaultYard, reviewer: string, issue: number): Promise<void> {
  const { number } = await pullOf(yard, issue);
  await yard.github.as(reviewer).reviewPullRequest(REPOSITORY, number, {
    event: 'REQUEST_CHANGES',
    body: 'Nearly there.',
    comments: [
      { path: 'result.txt', line: 1, body: 'Please do it better' },
      { path: 'result.txt', line: 1, body: 'Please do it otherwise' },
    ],
  });
}

/** Its commit is upon those before, each thread has one answer, and the reviewer was asked again. */
async function expectOneRound(yard: FaultYard, reviewer: string, issue: number): Promise<void> {
  const { app, state } = yard.github;
  const jobs = (await yard.jobs()).filter((job) => job.issue === issue);
  expect(jobs.map((job) => [job.state, job.outcome])).toEqual([
    ['succeeded', 'pull_request'],
    ['succeeded', 'pull_request'],
  ]);

  const pull = await pullOf(yard, issue);
  const [last] = await yard.database.query(
    `select result from attempts where job_id = '${jobs[1]?.id}' order by number desc limit 1`,
  );
  const { headCommit } = JSON.parse(String(last?.['result'])) as { headCommit: string };
  const commits = await state.commits(REPOSITORY, pull.head.ref);
  const base = commits.findIndex(({ sha }) => sha === pull.base.sha);
  expect(commits[0]?.sha).toBe(headCommit);
  expect(pull.head.sha).toBe(headCommit);
  // One of the first job, one of the round, and what attempts had pushed that could not tell of it any more.
  expect(base).toBeGreaterThanOrEqual(2);

  const comments = state.reviewComments(REPOSITORY, pull.number);
  const threads = comments.filter(({ user }) => user?.login === reviewer).map(({ id }) => id);
  const answers = comments.filter(({ user }) => user?.login === app.botLogin);
  expect(answers.map(({ in_reply_to_id: to }) => to ?? 0).toSorted((a, b) => a - b)).toEqual(threads);
  expect(pull.requested_reviewers?.map(({ login }) => login)).toEqual([reviewer]);
  const said = state.comments(REPOSITORY, issue).filter(({ user }) => user?.login === app.botLogin);
  expect(said).toHaveLength(1);
}
