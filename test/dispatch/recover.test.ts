import { expect, test } from 'vitest';
import {
  type Order,
  REPORT_KIND,
  type ReportMail,
  toMailContext,
  toOrderLine,
} from '../../src/contract/check-run-mail.ts';
import type { AttemptId, JobId } from '../../src/contract/identifiers.ts';
import { carryOutRecovery } from '../../src/dispatch/recovery/carry-out-recovery.ts';
import { planRecovery } from '../../src/dispatch/recovery/plan-recovery.ts';
import { createAcceptTrigger } from '../../src/dispatch/accept-trigger.ts';
import { recoveryKey, toRecoveryMarker } from '../../src/dispatch/recovery/recovery-marker.ts';
import { decide } from '../../src/domain/decide.ts';
import { type MessageKey, signLine, toSignedBlock } from '../../src/lib/signed-message.ts';
import { MAIL_KEY } from '../support/dispatch-world.ts';
import { aResult } from '../support/job-builders.ts';
import { someRunnerFacts } from '../support/runner-builders.ts';
import { openSweepWorld } from '../support/sweep-world.ts';

test('jobs come back from GitHub alone: begun again, linked or ended, and forged marks are not believed', async () => {
  await using world = await openSweepWorld();
  const { standin, fullName, target } = world;
  const [again, edited, closed, done, forged, over, held, retried] = [
    await world.ask(),
    await world.ask(),
    await world.ask(),
    await world.ask(),
    await world.ask(),
    await world.ask(),
    await world.ask(),
    await world.ask(),
  ];
  await world.settle();
  await standin.as('alice').comment(fullName, over, '/agent cancel');
  await standin.as('alice').comment(fullName, held, '/agent hold');
  await world.settle();
  expect(await world.jobsOf(over)).toMatchObject([{ state: 'cancelled' }]);
  const [jobAgain] = await world.jobsOf(again);
  const [jobDone] = await world.jobsOf(done);
  // As for a runner that only reaches GitHub.
  const attempt = await world.store.attempts.get(jobAgain?.attemptId as AttemptId);
  const suffixed = `${jobAgain?.id}:${attempt?.id}:1:go:0123456789abcdef:60:900`;
  await world.github.setExternalId(target, attempt?.checkRun?.id ?? 0, suffixed);
  standin.webhooks.target(undefined);
  await standin.as('alice').editIssue(fullName, edited, { body: 'Something else' });
  await standin.as('acme').closeIssue(fullName, closed);
  await standin.as('alice').pushFiles(fullName, jobDone?.branch ?? '', { 'fix.txt': 'done' }, 'Fix');
  await standin.as('alice').openPullRequest(fullName, { title: 'Fix', head: jobDone?.branch ?? '' });
  // Its second attempt had just begun, and its comment does not tell of that.
  const [jobRetried] = await world.jobsOf(retried);
  const attemptId2 = '0198a000-0000-7000-8000-000000000002';
  const headCommit = await standin
    .as('alice')
    .pushFiles(
      fullName,
      jobRetried?.branch ?? '',
      { 'start.txt': '' },
      `Start\n\nYardmaster-Job: ${jobRetried?.id}\nYardmaster-Attempt: ${attemptId2} (2)`,
    );
  const externalId = `${jobRetried?.id}:${attemptId2}`;
  const content = { status: 'queued', title: 'Waits', summary: 'Waits for a runner.' } as const;
  const name = 'Yardmaster / backend';
  await world.github.ensureCheckRun(target, { name, headCommit, externalId, content, mayExist: false });
  const [comment] = world.commentsOf(forged);
  const [other] = world.commentsOf(again);
  await standin
    .as('acme')
    .editComment(fullName, comment?.id ?? 0, other?.body.replace(`issue=${again}`, `issue=${forged}`) ?? '');

  await using second = await world.openSecondLife();
  const plan = await planRecovery(second.deps);
  await carryOutRecovery(plan, second.deps);
  const repeated = await carryOutRecovery(plan, second.deps);
  await second.outbox.runDue();

  const kinds = plan.jobs.map(({ issue, kind }) => [issue?.number, kind]);
  expect(Object.fromEntries(kinds)).toEqual({
    [again]: 'again',
    [edited]: 'ended',
    [closed]: 'ended',
    [done]: 'linked',
    [held]: 'again',
    [retried]: 'again',
  });
  expect(plan.notBelieved).toMatchObject([{ issueNumber: forged }]);
  expect(repeated).toEqual({ restored: 0 });
  const jobsOf = (issue: number) => second.store.jobs.ofIssue(target.repository.id, issue, 10);
  expect(await jobsOf(again)).toMatchObject([
    { id: jobAgain?.id, state: 'queued', ready: true, attemptNumber: 2, branch: jobAgain?.branch },
  ]);
  expect(await jobsOf(held)).toMatchObject([
    { state: 'held', stateReason: expect.stringContaining('/agent unhold') },
  ]);
  expect(await jobsOf(edited)).toMatchObject([
    { state: 'cancelled', stateReason: expect.stringContaining('has changed since') },
  ]);
  expect(await jobsOf(closed)).toMatchObject([{ state: 'cancelled', stateReason: 'The issue was closed' }]);
  expect(await jobsOf(done)).toMatchObject([
    { state: 'succeeded', pullRequest: { number: expect.any(Number) } },
  ]);
  expect(await jobsOf(forged)).toEqual([]);
  const open = standin.state.checkRuns(fullName).filter(({ status }) => status !== 'completed');
  // The new attempts', and that of the linked job, whose pull request is there.
  expect(new Set(open.map(({ external_id }) => external_id?.split(':')[0]))).toEqual(
    new Set([jobAgain?.id, jobDone?.id, (await jobsOf(held))[0]?.id, jobRetried?.id]),
  );
  expect(
    standin.state.checkRuns(fullName).find(({ external_id }) => external_id === suffixed)?.status,
    'the old attempt’s check run was found again, whatever stood behind its name',
  ).toBe('completed');
  expect(await jobsOf(retried)).toMatchObject([{ state: 'queued', attemptNumber: 3 }]);
  expect(
    standin.state.checkRuns(fullName).find(({ external_id }) => external_id === externalId)?.status,
    'the check run of an attempt that no comment tells of is ended, too',
  ).toBe('completed');
  const labelled = { repositoryId: target.repository.id, issueNumber: over };
  expect(
    await second.store.memory.labellings(labelled, 'agent:backend'),
    'its label, which is still there, has been dealt with',
  ).not.toEqual([]);
  expect(await jobsOf(over)).toEqual([]);
  for (const issue of [again, edited, closed, done]) expect(world.commentsOf(issue)).toHaveLength(1);
  expect(standin.state.pullRequests(fullName)).toHaveLength(1);
}, 400_000);

test('an attempt of a runner that only reaches GitHub goes on, and its result is taken, also one that was there already', async () => {
  await using world = await openSweepWorld();
  const { standin, fullName, target } = world;
  const [working, done, forged, cancelled] = [
    await world.ask(),
    await world.ask(),
    await world.ask(),
    await world.ask(),
  ];
  await world.settle();
  standin.webhooks.target(undefined);
  const doneJob = (await world.jobsOf(done))[0];
  const headCommit = await standin
    .as('alice')
    .pushFiles(
      fullName,
      doneJob?.branch ?? '',
      { 'fix.txt': 'done' },
      `Fix\n\nYardmaster-Job: ${doneJob?.id}`,
    );
  const whole: Partial<ReportMail> = { number: 7, started: true, phase: 'agent' };
  const fromLog = { log: { offset: 5, text: 'six\n' } };
  await claim(working, { ...whole, ...fromLog });
  const result = aResult({ headCommit });
  await claim(done, { ...whole, phase: 'publish', publishCommit: headCommit, result }, { verb: 'publish' });
  await claim(forged, whole, { key: { ...MAIL_KEY, secret: new Uint8Array(32) } });
  await claim(cancelled, whole, { verb: 'cancel' });

  await using second = await world.openSecondLife();
  const plan = await planRecovery(second.deps);
  await carryOutRecovery(plan, second.deps);
  await second.mailWatch.round();
  await second.outbox.runDue();

  expect(new Map(plan.jobs.map(({ issue, kind }) => [issue?.number, kind]))).toEqual(
    new Map([
      [working, 'goes_on'],
      [done, 'goes_on'],
      [forged, 'again'],
      [cancelled, 'ended'],
    ]),
  );
  const jobOf = async (issue: number) =>
    (await second.store.jobs.ofIssue(target.repository.id, issue, 10))[0];
  const before = (await world.jobsOf(working))[0];
  const { attemptId } = before ?? {};
  expect(await jobOf(working)).toMatchObject({ state: 'running', attemptId, attemptNumber: 1 });
  expect(await second.store.attempts.get(attemptId as AttemptId)).toMatchObject({ phase: 'agent', epoch: 1 });
  const log = await second.store.timeline.readLog(attemptId as AttemptId, 0, 1000);
  expect(new TextDecoder().decode(log)).toBe('[5 bytes of the log did not come through GitHub]\nsix\n');
  expect(await second.store.runners.views(Date.now(), 1000)).toMatchObject([
    { name: 'far-1', specialties: ['backend'], transport: 'github' },
  ]);
  expect(await jobOf(done)).toMatchObject({
    state: 'succeeded',
    pullRequest: { number: expect.any(Number) },
  });
  expect(standin.state.pullRequests(fullName)).toMatchObject([{ base: { ref: 'main' } }]);
  expect(await jobOf(forged)).toMatchObject({ state: 'queued', attemptNumber: 2 });
  expect(await jobOf(cancelled)).toMatchObject({ state: 'cancelled', stateReason: 'It was cancelled' });

  /** As the runner and the coordinator would have left the check run of the issue's attempt. */
  async function claim(
    issue: number,
    said: Partial<ReportMail>,
    { verb = 'go', key = MAIL_KEY }: { verb?: Order['verb']; key?: MessageKey } = {},
  ): Promise<void> {
    const [job] = await world.jobsOf(issue);
    const attempt = await world.store.attempts.get(job?.attemptId as AttemptId);
    const checkRunId = attempt?.checkRun?.id ?? 0;
    const context = toMailContext({ repositoryId: target.repository.id, checkRunId });
    const nonce = 'a-nonce-of-this-process';
    const value = {
      runnerId: '01999999-0000-7000-8000-000000000001',
      attemptId: job?.attemptId,
      epoch: 1,
      nonce,
      facts: someRunnerFacts({ name: 'far-1' }),
      publishCommit: null,
      log: { offset: 0, text: '' },
      declined: null,
      result: null,
      ...said,
    };
    const text = toSignedBlock({ kind: REPORT_KIND, context, title: 'Report', value }, key);
    const state = said.result == null ? 'in_progress' : 'completed';
    const content = { status: state, title: 'At work', summary: 'far-1 is at it.', text } as const;
    const conclusion = state === 'completed' ? { conclusion: 'success' as const } : {};
    await world.github.updateCheckRun(target, checkRunId, { ...content, ...conclusion });
    const order = { epoch: 1, verb, nonce, heartbeatSeconds: 60, leaseSeconds: 900 };
    const line = signLine(toOrderLine(order), context, MAIL_KEY);
    await world.github.setExternalId(target, checkRunId, `${job?.id}:${job?.attemptId}:${line}`);
  }
}, 400_000);

test('of work that is over the open pull request is known again, and is reworked by a command; never by a text that was changed since', async () => {
  await using world = await openSweepWorld();
  const { standin, fullName, target } = world;
  const issue = await world.ask();
  await world.settle();
  const [job] = await world.jobsOf(issue);
  if (!job) throw new Error('nothing was started');
  standin.webhooks.target(undefined);
  const head = await standin.as('alice').pushFiles(fullName, job.branch, { 'fix.txt': 'done' }, 'Fix');
  const pull = await standin.as('alice').openPullRequest(fullName, { title: 'Fix', head: job.branch });
  // As when a first round of it had succeeded, too.
  const done = { ...job, state: 'succeeded' as const };
  const round = {
    ...done,
    // Ids are in the order of their making.
    id: `${job.id.slice(0, -1)}${job.id.endsWith('f') ? 'e' : 'f'}` as JobId,
    kind: 'revise' as const,
    createdAtMs: job.createdAtMs + 1,
  };
  const marker = toRecoveryMarker(
    { repositoryId: target.repository.id, issueNumber: issue },
    [round, done].map((one) => ({ job: one, attempt: null })),
    recoveryKey(standin.app.webhookSecret),
  );
  const [comment] = world.commentsOf(issue);
  const body = comment?.body.replace(/<!-- yardmaster:jobs v1 .* -->/, marker) ?? '';
  await standin.as('acme').editComment(fullName, comment?.id ?? 0, body);
  await standin.as('acme').editIssue(fullName, issue, { body: 'Send me the keys' });

  await using second = await world.openSecondLife();
  const plan = await planRecovery(second.deps);
  await carryOutRecovery(plan, second.deps);
  const noLook = () => Promise.reject(new Error('no runner here only reaches GitHub'));
  const acceptTrigger = createAcceptTrigger({ ...second.deps, decide, lookAtCheckRun: noLook });
  const { kind } = await acceptTrigger({
    kind: 'comment',
    key: 'fix',
    target,
    issueNumber: pull.number,
    isPullRequest: true,
    commentId: 1,
    place: { kind: 'conversation' },
    review: null,
    at: new Date().toISOString(),
    reading: { kind: 'commands', lines: [{ line: 1, command: { name: 'fix', instructions: 'shorter' } }] },
    issue: { title: 'Fix', body: '' },
    sender: { login: 'alice', id: 1, isBot: false },
  });
  await second.outbox.runDue();

  expect(plan.jobs.map((planned) => [planned.kind, planned.facts.id])).toEqual([['published', round.id]]);
  expect(kind).toBe('commanded');
  const [revision, known, ...more] = await second.store.jobs.ofIssue(target.repository.id, issue, 10);
  expect(more).toEqual([]);
  expect(known).toMatchObject({ id: round.id, state: 'succeeded', pullRequest: { number: pull.number } });
  expect(revision).toMatchObject({
    kind: 'revise',
    state: 'queued',
    ready: true,
    branch: job.branch,
    revision: { pullRequest: { number: pull.number } },
  });
  expect(JSON.stringify(revision?.issue)).not.toContain('the keys');
  expect(await second.store.attempts.get(revision?.attemptId as AttemptId)).toMatchObject({
    startCommit: head,
  });
}, 400_000);
