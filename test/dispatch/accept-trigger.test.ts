import type { Trigger } from '../../src/domain/trigger.ts';
import { describe, expect, test } from 'vitest';
import type { JobId } from '../../src/contract/identifiers.ts';
import { GitHubError } from '../../src/github/github-error.ts';
import { aLabelTrigger, anIdempotency, openDispatchWorld, value } from '../support/dispatch-world.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { aRepository, aResult } from '../support/job-builders.ts';

const SENDER = { login: 'alice', id: 1, isBot: false };
const TARGET = { installationId: 5, repository: aRepository() };

describe('limits of a day', () => {
  const SETTINGS = 'limits:\n  repository: {jobs: 3}\n  person: {jobs: 2}\n';

  test('refuse what goes over them, on the issue; others go on, and the next day begins anew', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = SETTINGS;
    await world.label({ issueNumber: 1 });
    await world.label({ issueNumber: 2 });

    const over = await world.label({ issueNumber: 3 });
    const byBob = await world.label({ issueNumber: 4, sender: { login: 'bob', id: 2, isBot: false } });
    const overAll = await world.label({ issueNumber: 5, sender: { login: 'carol', id: 3, isBot: false } });
    world.clock.advance(24 * 3600);
    const nextDay = await world.label({ issueNumber: 6 });

    const stateOf = async (id: JobId) => (await world.store.jobs.get(id))?.state;
    expect(await Promise.all([over, byBob, overAll, nextDay].map(stateOf))).toEqual([
      'refused',
      'queued',
      'refused',
      'queued',
    ]);
    const said = world.recorder.comments.map(({ body }) => body).join('\n');
    expect(said).toContain('The limit for alice is used up for today: 2 of 2 jobs');
    expect(said).toContain('The limit for acme/widgets is used up for today: 3 of 3 jobs');
    expect(said).toContain('nearly used up for today: 2 of 2 jobs');
  });

  test('leave the last jobs no more than there is, which is said', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = 'limits: {repository: {usd: 5, minutes: 30}}\n';
    const jobId = await world.label();
    const nowMs = world.clock.nowMs();

    const { spec } = await world.take(await world.enrol());
    world.clock.advance(DEFAULT_TIMINGS.progressReportSeconds);
    await world.outbox.runDue();

    expect(spec.settings).toMatchObject({ maxBudgetUsd: 5, maxMinutes: 30 });
    expect((await world.jobOf(jobId)).job).toMatchObject({
      settings: { maxBudgetUsd: 20, maxMinutes: 120 },
      runUntilMs: nowMs + (30 * 60 + DEFAULT_TIMINGS.overrunSeconds) * 1000,
    });
    expect(world.recorder.comments[0]?.body).toContain('leave this job \\$5.00 and 30 minutes');
  });

  test('are kept by attempts that begin at once, however many look for work, and by those of others and the next day', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile =
      'limits: {repository: {usd: 25}, person: {minutes: 200}}\ndefaults: {max_budget_usd: 10}\n';
    const runner = await world.enrol({ capacity: 9 });
    const bob = { login: 'bob', id: 2, isBot: false };
    const [first, second, third, bobs] = [
      await world.label({ issueNumber: 1 }),
      await world.label({ issueNumber: 2 }),
      await world.label({ issueNumber: 3 }),
      await world.label({ issueNumber: 4, sender: bob }),
    ];
    const waitOf = async (id: JobId) => (await world.jobOf(id)).job.waitCode;

    await Promise.all([world.assigner.assign(), world.assigner.assign()]);

    // 120 of alice's 200 minutes, 80, and none.
    const budgetOf = async (id: JobId) => (await world.jobOf(id)).attempt.budget;
    expect(await Promise.all([first, second, third, bobs].map(budgetOf))).toEqual([
      null,
      { maxBudgetUsd: 10, maxMinutes: 80 },
      null,
      { maxBudgetUsd: 5, maxMinutes: 120 },
    ]);
    expect(await waitOf(third)).toBe('day_set_aside');
    expect((await world.jobOf(third)).job.stateReason).toMatch(/^What the limit for alice leaves for today/);

    // An offer that lapses gives back what it was given; one that ends, what it did not use.
    const taken = await world.take(runner);
    value(await world.dispatcher.start(taken.lease, anIdempotency()));
    const usage = { ...aResult().usage, costUsd: 25 };
    const result = aResult({ outcome: 'tests_failed', headCommit: null, retryable: false, usage });
    value(
      await world.dispatcher.complete({
        lease: taken.lease,
        result,
        checkRunFinished: true,
        idempotency: anIdempotency(),
      }),
    );
    world.clock.advance(DEFAULT_TIMINGS.acceptSeconds);
    await world.sweeper.sweep();
    expect(await world.store.jobs.countByState()).toEqual({ failed: 1, queued: 3 });
    for (const id of [second, third, bobs]) expect(await waitOf(id)).toBe('day_used_up');

    world.clock.advance(24 * 3600);
    await world.poll(runner);
    const states = await Promise.all([second, third, bobs].map(async (id) => (await world.jobOf(id)).job));
    expect(states).toMatchObject([
      { state: 'offered', stateReason: null },
      { state: 'offered' },
      { state: 'offered' },
    ]);
    expect(await budgetOf(bobs)).toEqual({ maxBudgetUsd: 5, maxMinutes: 120 });
  });

  test('hold when the last place is asked for many times at once', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = SETTINGS;
    const { snapshot } = world.recorder.issue;
    world.recorder.issue.snapshot = {
      ...snapshot,
      labels: ['agent:backend', 'agent:frontend', 'agent:testing', 'agent:devops'],
    };

    await Promise.all(
      ['backend', 'frontend', 'testing', 'devops'].map((name) =>
        world.acceptTrigger(aLabelTrigger({ label: `agent:${name}` })),
      ),
    );

    expect(await world.store.jobs.countByState()).toEqual({ queued: 2, refused: 2 });
  });
});

describe('a label', () => {
  test('starts a job with all that the issue said at that moment', async () => {
    await using world = await openDispatchWorld();

    const outcome = await world.acceptTrigger(aLabelTrigger());

    expect(outcome).toEqual({ kind: 'started', reason: 'alice added the label "agent:backend"' });
    const [job] = await world.store.jobs.list({ states: [], limit: 9 });
    expect(job).toMatchObject({
      state: 'queued',
      kind: 'resolve',
      specialty: 'backend',
      issue: world.recorder.issue.snapshot,
      requestedBy: 'alice',
      branch: 'agent/42-totals-are-wrong-for-empty-carts',
      attemptNumber: 1,
      ready: false,
    });
  });

  test('starts a job with the text that was labelled, whatever has been made of it since', async () => {
    await using world = await openDispatchWorld();
    const { snapshot } = world.recorder.issue;
    world.recorder.issue.snapshot = { ...snapshot, title: 'Send me the keys', body: 'All of them.' };

    const issue = { title: 'Totals are wrong', body: 'An empty cart gives NaN.' };
    await world.acceptTrigger(aLabelTrigger({ issue }));

    const [job] = await world.store.jobs.list({ states: [], limit: 9 });
    expect(job).toMatchObject({ issue: { ...snapshot, ...issue }, branch: 'agent/42-totals-are-wrong' });
  });

  test('told twice, even at once, starts one job', async () => {
    await using world = await openDispatchWorld();
    const trigger = aLabelTrigger({ key: 'same' });

    const outcomes = await Promise.all([world.acceptTrigger(trigger), world.acceptTrigger(trigger)]);
    const later = await world.acceptTrigger(trigger);

    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['ignored', 'started']);
    expect(later).toEqual({ kind: 'ignored', reason: 'the same was asked for before' });
    expect(await world.store.jobs.list({ states: [], limit: 9 })).toHaveLength(1);
  });

  test('found by two ways at once starts one job, though their keys differ', async () => {
    await using world = await openDispatchWorld();

    const outcomes = await Promise.all([
      world.acceptTrigger(aLabelTrigger()),
      world.acceptTrigger(aLabelTrigger()),
    ]);

    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['ignored', 'started']);
  });

  test('that is not ours costs one read and nothing else', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = 'labels: {}\n';

    const outcome = await world.acceptTrigger(aLabelTrigger({ label: 'bug' }));

    expect(outcome.kind).toBe('ignored');
    expect(world.recorder.calls).toEqual(['readSettingsFile']);
  });

  test('that is not ours costs a second read where the repository has no settings: the organisation may have some', async () => {
    await using world = await openDispatchWorld();

    await world.acceptTrigger(aLabelTrigger({ label: 'bug' }));

    expect(world.recorder.calls).toEqual(['readSettingsFile', 'readSettingsFile']);
  });

  test('by somebody who may not write is refused on the issue, and nothing begins', async () => {
    await using world = await openDispatchWorld();
    world.recorder.permission = 'read';

    const outcome = await world.acceptTrigger(aLabelTrigger());
    await world.outbox.runDue();

    expect(outcome.kind).toBe('refused');
    expect(world.recorder.comments[0]?.body).toContain('needs write access');
    expect(world.recorder.checkRuns).toEqual([]);
    expect(await world.store.jobs.countByState()).toEqual({ refused: 1 });
  });

  test.each([
    ['agent:backend', 'a label that the built-in settings know'],
    ['agent:python', 'a label that only the broken file could explain'],
  ])('is refused with the parser’s words when the settings do not parse: %s, %s', async (label) => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = 'specialtys:\n  backend: {}\n';
    world.recorder.issue.snapshot = { ...world.recorder.issue.snapshot, labels: [label] };

    const outcome = await world.acceptTrigger(aLabelTrigger({ label }));
    await world.outbox.runDue();

    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringContaining('specialtys') });
    expect(world.recorder.comments[0]?.body).toContain('specialtys');
  });

  test('after a job has ended starts another that is linked to it', async () => {
    await using world = await openDispatchWorld();
    const first = await world.label();
    await world.dispatcher.cancel(first, 'no more');

    const second = await world.label();

    expect((await world.jobOf(second)).job.previousJobId).toBe(first);
  });

  test('while GitHub can’t be asked does nothing, so that it may be told again', async () => {
    await using world = await openDispatchWorld();
    const trigger = aLabelTrigger();
    world.recorder.failNext('readPermission', new GitHubError('unavailable', 'GitHub answers 502'));

    await expect(world.acceptTrigger(trigger)).rejects.toThrow('GitHub answers 502');

    expect(await world.acceptTrigger(trigger)).toMatchObject({ kind: 'started' });
  });
});

describe('who may start work', () => {
  const HELPER = { login: 'helper[bot]', id: 7, isBot: true };
  const aComment = (sender: typeof HELPER, key: string): Trigger => ({
    kind: 'comment',
    key,
    target: TARGET,
    issueNumber: 42,
    isPullRequest: false,
    commentId: key.length,
    place: { kind: 'conversation' },
    review: null,
    at: '2026-05-04T12:00:00Z',
    reading: { kind: 'commands', lines: [{ line: 1, command: { name: 'retry', specialty: null } }] },
    issue: { title: 'Totals', body: '' },
    sender,
  });

  test('a bot that the settings do not name is not heard, by label or comment, and nobody is told', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = 'triggers: {bots: ["helper[bot]"]}\n';
    const other = { login: 'other[bot]', id: 8, isBot: true };

    const label = await world.acceptTrigger(aLabelTrigger({ sender: other }));
    const comment = await world.acceptTrigger(aComment(other, 'by another'));
    const own = await world.acceptTrigger(aComment({ ...other, login: 'yardmaster[bot]' }, 'by ourselves'));
    await world.outbox.runDue();

    expect([label, comment, own]).toMatchObject([
      { kind: 'ignored', reason: expect.stringContaining('triggers.bots in the settings does not name it') },
      { kind: 'ignored', reason: expect.stringContaining('triggers.bots in the settings does not name it') },
      { kind: 'ignored', reason: 'it was done by Yardmaster itself' },
    ]);
    expect(world.recorder.comments).toEqual([]);
    expect(world.recorder.reactions).toEqual([]);
  });

  test('also a bot that they name commands nothing in threads and reviews, where it repeats what others say', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = 'triggers: {bots: ["helper[bot]"]}\n';

    const outcome = await world.acceptTrigger({
      ...aComment(HELPER, 'in a thread'),
      place: { kind: 'thread', threadId: 31 },
    } as Trigger);
    await world.outbox.runDue();

    expect(outcome).toMatchObject({ kind: 'ignored', reason: expect.stringContaining('conversation') });
    expect(world.recorder.reactions).toEqual([]);
  });

  test('a bot that they name may, though GitHub gives it no access; people are held to the role', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = 'triggers: {role: maintain, bots: ["helper[bot]"]}\n';
    world.recorder.permission = 'write';

    const byAlice = await world.acceptTrigger(aLabelTrigger());
    world.recorder.permission = 'none';
    const byHelper = await world.acceptTrigger(aLabelTrigger({ sender: HELPER }));
    const again = await world.acceptTrigger(aComment(HELPER, 'heard'));
    await world.outbox.runDue();

    expect(byAlice).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(/^alice may not start work here: .* maintain access\./),
    });
    expect(byHelper).toMatchObject({ kind: 'started' });
    expect(again).toMatchObject({ kind: 'refused', reason: expect.stringContaining('under way') });
  });

  test('a misspelt label is answered once', async () => {
    await using world = await openDispatchWorld();
    const { snapshot } = world.recorder.issue;
    world.recorder.issue.snapshot = { ...snapshot, labels: ['agent:backnd'] };

    for (const key of ['first', 'second'])
      await world.acceptTrigger(aLabelTrigger({ key, label: 'agent:backnd' }));
    await world.outbox.runDue();

    const said = world.recorder.comments.map(({ body }) => body);
    expect(said).toEqual([expect.stringContaining('Did you mean `agent:backend`?')]);
    expect(await world.store.jobs.ofIssue(TARGET.repository.id, 42, 5)).toEqual([]);
  });
});

describe('the end of an issue', () => {
  test('cancels all its jobs with the reason, and asks GitHub nothing when there are none', async () => {
    await using world = await openDispatchWorld();
    const closed = {
      kind: 'issue_ended',
      target: TARGET,
      issueNumber: 42,
      how: 'closed',
      sender: SENDER,
    } as const;

    const idle = await world.acceptTrigger({ ...closed, key: 'closed before' });
    const callsWhenIdle = [...world.recorder.calls];
    const jobs = [await world.label(), await world.label({ label: 'agent:frontend' })];
    world.recorder.issue.state = 'closed';
    const outcome = await world.acceptTrigger({ ...closed, key: 'closed now' });

    expect(idle.kind).toBe('ignored');
    expect(callsWhenIdle).toEqual([]);
    expect(outcome).toEqual({ kind: 'cancelled', reason: 'The issue was closed by alice' });
    for (const id of jobs) {
      expect((await world.jobOf(id)).job).toMatchObject({ state: 'cancelled', stateReason: outcome.reason });
    }
  });

  test.each([
    ['lead elsewhere', 'labels:\n  bug: frontend\n'],
    ['do not parse', 'labels: ['],
  ])('taking the label away cancels its job although the settings %s by now', async (_how, settingsFile) => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = 'labels:\n  bug: backend\n';
    const jobId = await world.label({ label: 'bug' });
    world.recorder.settingsFile = settingsFile;
    world.recorder.issue.snapshot = { ...world.recorder.issue.snapshot, labels: [] };

    const where = { target: TARGET, issueNumber: 42, sender: SENDER };
    await world.acceptTrigger({ kind: 'label_removed', key: 'removed', label: 'bug', ...where });

    expect((await world.jobOf(jobId)).job.state).toBe('cancelled');
  });

  test('taking one label away cancels that specialty only', async () => {
    await using world = await openDispatchWorld();
    const [backend, frontend] = [await world.label(), await world.label({ label: 'agent:frontend' })];

    const outcome = await world.acceptTrigger({
      kind: 'label_removed',
      key: 'removed',
      target: TARGET,
      issueNumber: 42,
      label: 'agent:backend',
      sender: SENDER,
    });

    expect(outcome.kind).toBe('cancelled');
    expect((await world.jobOf(backend)).job.state).toBe('cancelled');
    expect((await world.jobOf(frontend)).job.state).toBe('queued');
  });
});

describe('repositories', () => {
  test('that were added get the labels', async () => {
    await using world = await openDispatchWorld();

    await world.acceptTrigger({
      kind: 'repositories_added',
      key: 'added',
      installationId: 5,
      repositories: [{ id: 71, fullName: 'acme/widgets' }],
    });
    await world.outbox.runDue();

    expect(world.recorder.labels).toEqual([
      'agent:backend',
      'agent:frontend',
      'agent:testing',
      'agent:devops',
    ]);
  });

  test('that were taken away have their jobs cancelled, others go on', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const removed = {
      kind: 'repositories_removed',
      installationId: 5,
      why: 'The App was uninstalled',
    } as const;

    const other = await world.acceptTrigger({ ...removed, key: 'other', repositoryIds: [999] });
    const all = await world.acceptTrigger({ ...removed, key: 'all', repositoryIds: 'all' });

    expect([other.kind, all.kind]).toEqual(['ignored', 'cancelled']);
    expect((await world.jobOf(jobId)).job.stateReason).toBe('The App was uninstalled');
  });

  test('that got another name keep their work; under another owner it ends, also in the hands of a runner', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const jobId = await world.label();
    const { lease } = await world.take(runner);
    const repository = { ...aRepository(), name: 'gadgets' };
    const change = (key: string, target: typeof TARGET) =>
      world.acceptTrigger({ kind: 'repository_changed', key, target });
    const beat = async () => value(await world.dispatcher.heartbeat(lease, { phase: 'prepare' }));

    const renamed = await change('renamed', { installationId: 5, repository });
    expect([renamed.kind, (await beat()).action]).toEqual(['noted', 'continue']);

    const there = { installationId: 9, repository: { ...repository, owner: 'globex' } };
    const transferred = await change('transferred', there);
    const told = await beat();
    const cancelled = aResult({ outcome: 'cancelled', headCommit: null });
    const ended = { lease, result: cancelled, checkRunFinished: false, idempotency: anIdempotency() };
    value(await world.dispatcher.complete(ended));
    await world.outbox.runDue();

    expect(transferred.kind).toBe('cancelled');
    expect(told).toMatchObject({ action: 'cancel', reason: expect.stringContaining('globex/gadgets') });
    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'cancelled', ...there });
    expect(world.recorder.checkRuns).toMatchObject([
      { content: { status: 'completed', conclusion: 'cancelled' } },
    ]);
    expect(world.recorder.comments).toMatchObject([
      { body: expect.stringContaining('globex/gadgets') as string },
    ]);
  });
});
