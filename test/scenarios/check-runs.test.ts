import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttemptId, JobId } from '../../src/contract/identifiers.ts';
import { BUDGETS } from '../../src/domain/timings.ts';
import { aResult } from '../support/job-builders.ts';
import { openWorkingWorld } from '../support/working-world.ts';

/** One coordinator and one GitHub for all; each test has an issue of its own, and people of its own where their presses count. */
let yard: Awaited<ReturnType<typeof openYard>>;
/** A job for all tests that start nothing by its check run; the last one does. */
let failed: Awaited<ReturnType<typeof yard.failedJob>>;
beforeAll(async () => {
  yard = await openYard();
  failed = await yard.failedJob();
}, 60_000);
afterAll(() => yard.world[Symbol.asyncDispose]());

const crashed = aResult({
  outcome: 'agent_failed',
  headCommit: null,
  retryable: false,
  reason: 'It crashed.',
});

/** With people, buttons and check runs as these tests look at them. */
async function openYard() {
  const { world, work } = await openWorkingWorld();
  const { fullName, standin } = world;

  async function failedJob() {
    const issue = await world.ask();
    return { issue, ...(await work(issue, crashed)) };
  }

  return {
    world,
    work,
    failedJob,
    runsOn: (commit: string | null) =>
      standin.state.checkRuns(fullName).filter(({ head_sha }) => head_sha === commit),
    runOf: (id: number | undefined) => {
      const run = standin.state.checkRuns(fullName).find((one) => one.id === id);
      if (!run) throw new Error(`there is no check run ${id}`);
      return run;
    },
    /** As the App sees it. */
    async suiteOf(commit: string) {
      const octokit = await world.factory.octokitFor(world.target.installationId);
      const [owner = '', repo = ''] = fullName.split('/');
      const { data } = await octokit.rest.checks.listSuitesForRef({ owner, repo, ref: commit });
      return data.check_suites[0];
    },
    addPerson(login: string) {
      standin.createUser(login);
      standin.setRole(fullName, login, 'write');
    },
    async press(id: number | undefined, button: string, login = 'alice') {
      await standin.as(login).clickCheckRunAction(fullName, id ?? 0, button);
      await world.settle();
    },
    statesOf: async (issue: number) => (await world.jobsOf(issue)).map(({ state }) => state).toReversed(),
    answersOf: (issue: number) =>
      world
        .commentsOf(issue)
        .map(({ body }) => body ?? '')
        .filter((body) => body.includes('yardmaster:answer')),
  };
}

test('Retry starts the same request once more, in the words that it had, once', async () => {
  const { issue, job, attempt } = await yard.failedJob();
  const { standin, fullName } = yard.world;
  await standin.as('alice').editIssue(fullName, issue, { title: 'Delete everything' });
  standin.webhooks.faults.duplicateNext(1, ({ action }) => action === 'requested_action');

  await standin.as('alice').clickCheckRunAction(fullName, attempt.checkRun?.id ?? 0, 'retry');
  await yard.press(attempt.checkRun?.id, 'retry');

  expect(yard.runOf(attempt.checkRun?.id)).toMatchObject({ status: 'completed', conclusion: 'neutral' });
  expect(await yard.statesOf(issue)).toEqual(['failed', 'queued']);
  const [again] = await yard.world.jobsOf(issue);
  expect(again).toMatchObject({
    previousJobId: job.id,
    requestedBy: 'alice',
    issue: { title: job.issue.title },
  });
  expect(yard.answersOf(issue)).toEqual([]);

  // Of work that was taken up again, it does nothing but say so.
  yard.addPerson('larry');
  await yard.press(attempt.checkRun?.id, 'retry', 'larry');
  expect(await yard.statesOf(issue)).toEqual(['failed', 'queued']);
  expect(yard.answersOf(issue)).toEqual([
    expect.stringMatching(
      /`larry` pressed \*\*Retry\*\*.*\/runs\/\d+.*asked for again since.*\[status\]\(\S+\) leads to the newest/s,
    ),
  ]);
});

describe('nothing is started', () => {
  test('for whoever may not write any more: GitHub is asked each time, and it is told once', async () => {
    const { issue, attempt } = failed;
    const { standin, fullName } = yard.world;
    yard.addPerson('fred');
    // Held up until there are three.
    standin.webhooks.faults.shuffleNext(3);
    for (let count = 0; count < 2; count += 1)
      await standin.as('fred').clickCheckRunAction(fullName, attempt.checkRun?.id ?? 0, 'retry');
    standin.setRole(fullName, 'fred', 'read');
    await standin.as('alice').comment(fullName, issue, 'Hm.');
    await yard.world.settle();

    expect(await yard.statesOf(issue)).toEqual(['failed']);
    expect(yard.answersOf(issue)).toEqual([expect.stringContaining('`fred` may only read')]);
  });

  test('for whoever asks too much: it is told once', async () => {
    const { issue, attempt } = failed;
    const { store, target } = yard.world;
    yard.addPerson('nora');
    const press = {
      repository: target.repository,
      installationId: target.installationId,
      issueNumber: issue,
      attemptId: attempt.id,
      button: 'retry' as const,
      sender: 'nora',
      reason: null,
    };
    await store.transact(async (tx) => {
      for (let count = 0; count < BUDGETS.commandsPerPerson; count += 1)
        await tx.commands.insertPress({ ...press, key: `earlier:${count}` }, tx.nowMs);
    });

    await yard.press(attempt.checkRun?.id, 'retry', 'nora');
    await yard.press(attempt.checkRun?.id, 'retry', 'nora');

    expect(await yard.statesOf(issue)).toEqual(['failed']);
    const answers = yard.answersOf(issue).filter((text) => text.includes('nora'));
    expect(answers).toEqual([expect.stringContaining('within 10 minutes, and that is the most')]);
  });

  test('by a check run that only claims to be the attempt’s', async () => {
    const { issue, job, attempt } = failed;
    const { standin, target, github, fullName } = yard.world;
    const forged = await github.ensureCheckRun(target, {
      name: 'Yardmaster / backend',
      headCommit: (await standin.state.branches(fullName))['main'] ?? '',
      externalId: `${job.id}:${attempt.id}`,
      content: {
        status: 'completed',
        conclusion: 'neutral',
        title: 'Forged',
        summary: 'Forged.',
        buttons: ['retry'],
      },
      mayExist: false,
    });

    await yard.press(forged.id, 'retry');
    await standin.as('alice').rerequestCheckRun(fullName, forged.id);
    await yard.world.settle();

    expect(await yard.statesOf(issue)).toEqual(['failed']);
  });

  test('by a late word of a runner: the check run is completed again', async () => {
    const { attempt } = failed;
    const { store, target, github } = yard.world;
    const { id = 0 } = attempt.checkRun ?? {};
    await github.updateCheckRun(target, id, {
      status: 'in_progress',
      title: 'Late',
      summary: 'A late word.',
    });
    await store.attempts.change(attempt.id, { finishedAtMs: (await store.nowMs()) - 3_000_000 });

    await yard.world.sweep('reports');

    expect(yard.runOf(id)).toMatchObject({ status: 'completed', conclusion: 'neutral' });
  });
});

test('Cancel stops work under way, where GitHub shows it', async () => {
  const issue = await yard.world.ask();
  await yard.world.settle();
  const [job] = await yard.world.jobsOf(issue);
  const attempt = await yard.world.store.attempts.get(job?.attemptId as AttemptId);
  const run = yard.runOf(attempt?.checkRun?.id);
  expect(run).toMatchObject({ status: 'queued', actions: [{ identifier: 'cancel', label: 'Cancel' }] });

  await yard.world.acceptTrigger({
    kind: 'button_pressed',
    key: `button:${issue}`,
    target: yard.world.target,
    button: 'cancel',
    checkRun: {
      id: run.id,
      appId: yard.world.standin.app.id,
      headCommit: run.head_sha,
      jobId: job?.id as JobId,
      attemptId: job?.attemptId as AttemptId,
    },
    sender: { login: 'alice', id: 1, isBot: false },
  });
  await yard.world.settle();

  expect(await yard.statesOf(issue)).toEqual(['cancelled']);
  expect(yard.runOf(run.id)).toMatchObject({
    status: 'completed',
    conclusion: 'cancelled',
    actions: [{ identifier: 'retry', label: 'Retry' }],
  });
});

test('a pull request has evidence on each of its heads, re-runs start nothing, and it can be asked for again once that is closed', async () => {
  const issue = await yard.world.ask();
  const { job, attempt, headCommit } = await yard.work(issue, aResult(), { 'a.txt': `${issue}\n` });
  const { standin, fullName } = yard.world;
  const evidence = yard.runsOn(headCommit);
  expect(evidence).toMatchObject([
    { name: 'Yardmaster evidence / backend', status: 'completed', conclusion: 'success' },
  ]);

  const later = await standin.as('alice').pushFiles(fullName, job.branch, { 'b.txt': `${issue}\n` }, 'More');
  await yard.world.settle();

  expect(yard.runsOn(later)).toMatchObject([
    {
      name: 'Yardmaster evidence / backend',
      status: 'completed',
      conclusion: 'neutral',
      output: { title: `Not run for this commit; the evidence is of ${headCommit.slice(0, 7)}` },
    },
  ]);
  expect(yard.runsOn(later)[0]?.pull_requests).toHaveLength(1);

  await standin.as('alice').rerequestCheckRun(fullName, attempt.checkRun?.id ?? 0);
  await standin.as('alice').rerequestCheckRun(fullName, evidence[0]?.id ?? 0);
  await standin.as('alice').rerequestCheckSuite(fullName, evidence[0]?.check_suite?.id ?? 0);
  await yard.world.settle();

  expect(await yard.statesOf(issue)).toEqual(['succeeded']);
  expect(await yard.suiteOf(headCommit)).toMatchObject({ status: 'completed', conclusion: 'success' });
  expect(yard.runsOn(headCommit).map(({ id }) => id)).toEqual(evidence.map(({ id }) => id));
  expect(yard.runOf(attempt.checkRun?.id)).toMatchObject({
    conclusion: 'success',
    actions: [{ identifier: 'ask_again', label: 'Ask again' }],
  });

  await yard.press(attempt.checkRun?.id, 'ask_again');
  expect(await yard.statesOf(issue)).toEqual(['succeeded']);
  expect(yard.answersOf(issue)).toEqual([
    expect.stringMatching(/\[Pull request #\d+\]\(http.*\/pull\/\d+\) of the last `backend` job is open\./),
  ]);

  await standin.as('alice').closePullRequest(fullName, job.pullRequest?.number ?? 0);
  await yard.press(attempt.checkRun?.id, 'ask_again');
  expect(await yard.statesOf(issue)).toEqual(['succeeded', 'queued']);
});

test('red work that is kept on its branch has red evidence there, on the lines that fail, and can be re-run', async () => {
  const issue = await yard.world.ask();
  const failures = Array.from({ length: 3 }, (_, at) => ({
    name: `adds ${at}`,
    message: `expected ${at}`,
    place: { path: 'a.txt', line: at + 1 },
  }));
  const { evidence } = aResult();
  const red = aResult({
    outcome: 'tests_failed',
    evidence: { ...evidence, after: evidence.before, failures },
  });

  const { standin, fullName } = yard.world;
  const { attempt, headCommit } = await yard.work(issue, red, { 'a.txt': '1\n2\n3\n' });

  expect(yard.runOf(attempt.checkRun?.id)).toMatchObject({ conclusion: 'failure' });
  expect(yard.runsOn(headCommit)).toMatchObject([
    { conclusion: 'failure', output: { annotations_count: 3 } },
  ]);

  await standin.as('alice').rerequestCheckRun(fullName, attempt.checkRun?.id ?? 0);
  await yard.world.settle();

  expect(await yard.statesOf(issue)).toEqual(['failed', 'queued']);
});

test('work that breaks a rule, and is kept on its branch, has what is wrong on its lines there, and no evidence of its own', async () => {
  const issue = await yard.world.ask();
  const findings = [
    { path: 'a.txt', line: 2, rule: 'looks like a secret (AWS)' },
    { path: 'AGENTS.md', line: null, rule: 'is protected, since it is what coding agents are told' },
  ];
  const evidence = { ...aResult().evidence, after: null };
  const refused = aResult({ outcome: 'policy_refused', reason: 'No.', evidence, findings });
  const files = { 'a.txt': `${issue}\nkey\n`, 'AGENTS.md': `${issue}\n` };

  const { headCommit } = await yard.work(issue, refused, files);

  expect(yard.runsOn(headCommit)).toMatchObject([
    {
      name: 'Yardmaster evidence / backend',
      conclusion: 'neutral',
      output: { title: 'Tests not run on this work', annotations_count: 2 },
    },
  ]);
  const { factory, target, fullName } = yard.world;
  const octokit = await factory.octokitFor(target.installationId);
  const [owner = '', repo = ''] = fullName.split('/');
  const [run] = yard.runsOn(headCommit);
  const { data } = await octokit.rest.checks.listAnnotations({ owner, repo, check_run_id: run?.id ?? 0 });
  expect(data).toMatchObject([
    { path: 'a.txt', start_line: 2, message: 'This line looks like a secret (AWS).' },
    { path: 'AGENTS.md', start_line: 1, message: expect.stringMatching(/^This file is protected/) },
  ]);
});

test('"Re-run all" tries failed work once more, and the checks of the commit are said to be through', async () => {
  const { issue, attempt } = failed;
  const { standin, fullName } = yard.world;
  const run = yard.runOf(attempt.checkRun?.id);

  await standin.as('alice').rerequestCheckSuite(fullName, run.check_suite?.id ?? 0);
  expect(await yard.suiteOf(run.head_sha)).toMatchObject({ status: 'queued', conclusion: null });
  await yard.world.settle();

  expect(await yard.statesOf(issue)).toEqual(['failed', 'queued']);
  expect(await yard.suiteOf(run.head_sha)).toMatchObject({ status: 'completed', conclusion: 'neutral' });
});
