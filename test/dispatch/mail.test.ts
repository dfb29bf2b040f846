import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  MAX_MAIL_BYTES,
  OFFER_KIND,
  OfferMail,
  type Order,
  parseOrderLine,
  REPORT_KIND,
  type ReportMail,
  toMailContext,
} from '../../src/contract/check-run-mail.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { GitHubError } from '../../src/github/github-error.ts';
import {
  type MessageKey,
  readSignedBlock,
  readSignedLine,
  toSignedBlock,
} from '../../src/lib/signed-message.ts';
import { MAIL_KEY, openDispatchWorld, value } from '../support/dispatch-world.ts';
import { aRepository, aResult } from '../support/job-builders.ts';
import { someRunnerFacts } from '../support/runner-builders.ts';

const OTHER_KEY: MessageKey = { id: 'otherkey', secret: new Uint8Array(32).fill(9) };

/** A job that is offered, by way of GitHub, to the one runner that there is. */
async function openMailWorld() {
  const world = await openDispatchWorld();
  const { runnerId } = await world.registry.enrollGitHubRunner({
    name: 'far-1',
    specialties: ['backend'],
    capabilities: ['agent:claude'],
    capacity: 1,
  });
  const jobId = await world.label();
  await settle();
  const [run] = world.recorder.checkRuns;
  if (run === undefined) throw new Error('the job has no check run');
  const checkRun = run;
  const context = toMailContext({ repositoryId: aRepository().id, checkRunId: run.id });
  const nonce = randomBytes(24).toString('base64url');

  /** Everything that is due by now. */
  async function settle(): Promise<void> {
    await world.assigner.assign();
    await world.mailWatch.round();
    await world.outbox.runDue();
  }

  function readOffer(): OfferMail | null {
    const expected = { kind: OFFER_KIND, context, maxBytes: MAX_MAIL_BYTES };
    const block = readSignedBlock(checkRun.content.text ?? '', expected, MAIL_KEY);
    return block.ok ? OfferMail.parse(block.value) : null;
  }

  function readOrder(): Order | null {
    const [, , ...rest] = checkRun.externalId.split(':');
    const line = readSignedLine(rest.join(':'), context, MAIL_KEY);
    return line === null ? null : parseOrderLine(line);
  }

  /** Puts a report in the check run, as the runner would, and has the coordinator look. */
  async function report(
    said: Partial<ReportMail> = {},
    manner: {
      key?: MessageKey;
      context?: string;
      status?: 'in_progress' | 'completed';
      /** In place of a look that is due: GitHub tells us that the check run of this App was completed. */
      toldOfAppId?: number;
    } = {},
  ): Promise<unknown> {
    const { attempt } = await world.jobOf(jobId);
    const whole: ReportMail = {
      runnerId,
      attemptId: attempt.id,
      epoch: attempt.epoch,
      nonce,
      number: 1,
      facts: someRunnerFacts({ name: 'far-1', capacity: 3 }),
      phase: 'prepare',
      started: false,
      publishCommit: null,
      log: { offset: 0, text: '' },
      declined: null,
      result: null,
      ...said,
    };
    const text = toSignedBlock(
      { kind: REPORT_KIND, context: manner.context ?? context, title: 'Report', value: whole },
      manner.key ?? MAIL_KEY,
    );
    checkRun.content = { ...checkRun.content, status: manner.status ?? 'in_progress', text };
    let outcome: unknown = null;
    if (manner.toldOfAppId === undefined) await world.mailWatch.look(attempt.id);
    else {
      const [appId, attemptId] = [manner.toldOfAppId, attempt.id];
      const key = `check_run_completed:${randomUUID()}`;
      outcome = await world.acceptTrigger({ kind: 'check_run_completed', key, appId, attemptId });
    }
    await settle();
    return outcome;
  }

  const stateOf = async () => (await world.jobOf(jobId)).job.state;
  return { ...world, runnerId, jobId, checkRun, nonce, settle, readOffer, readOrder, report, stateOf };
}

describe('an offer', () => {
  test('stands in the queued check run, signed, for this runner, with the whole job', async () => {
    await using world = await openMailWorld();
    const { attempt } = await world.jobOf(world.jobId);

    expect(await world.stateOf()).toBe('offered');
    expect(world.checkRun.content.status).toBe('queued');
    expect(world.readOffer()).toMatchObject({
      runnerId: world.runnerId,
      attemptId: attempt.id,
      epoch: 1,
      spec: { issue: { number: 42 }, startCommit: attempt.startCommit },
    });
    expect(world.readOrder()).toBeNull();
  });

  test('that lapses is taken out of the check run, costs the job nothing, and the runner counts as gone for a while', async () => {
    await using world = await openMailWorld();

    world.clock.advance(DEFAULT_TIMINGS.githubAcceptSeconds + 1);
    await world.sweeper.sweep();
    await world.settle();

    expect((await world.jobOf(world.jobId)).job).toMatchObject({ state: 'queued', offers: 0 });
    expect(world.readOffer()).toBeNull();
    expect((await world.registry.list())[0]?.state).toBe('gone');

    world.clock.advance(DEFAULT_TIMINGS.githubSilentSeconds + 1);
    await world.settle();
    expect(world.readOffer()).toMatchObject({ epoch: 2 });
  });

  test('that somebody wrote over is written again', async () => {
    await using world = await openMailWorld();

    await world.report({ epoch: 7 });
    expect(await world.stateOf()).toBe('offered');

    expect(world.readOffer()).toMatchObject({ epoch: 1 });
  });

  test('goes to a runner that speaks to us first, where both have room', async () => {
    await using world = await openDispatchWorld();
    await world.registry.enrollGitHubRunner({
      name: 'far-1',
      specialties: ['backend'],
      capabilities: ['agent:claude'],
      capacity: 9,
    });
    const near = await world.enrol();
    await world.label();

    expect(value(await world.poll(near)).offers).toHaveLength(1);
  });
});

describe('a claim', () => {
  test('is acknowledged to the process that made it, and brings what the machine really has', async () => {
    await using world = await openMailWorld();

    await world.report();

    expect(await world.stateOf()).toBe('preparing');
    expect(world.readOrder()).toMatchObject({
      verb: 'go',
      epoch: 1,
      nonce: world.nonce,
      heartbeatSeconds: DEFAULT_TIMINGS.githubHeartbeatSeconds,
      leaseSeconds: DEFAULT_TIMINGS.githubLeaseSeconds,
    });
    expect((await world.registry.list())[0]).toMatchObject({ capacity: 3, specialties: ['backend'] });
  });

  test('of a second process with the same identity changes nothing', async () => {
    await using world = await openMailWorld();
    await world.report();

    await world.report({ nonce: 'somebody-else-0000000000', number: 5, phase: 'agent', started: true });

    expect(await world.stateOf()).toBe('preparing');
    expect(world.readOrder()).toMatchObject({ nonce: world.nonce });
  });

  test.each([
    ['signed with another key', {}, { key: OTHER_KEY }],
    ['copied from another check run', {}, { context: '71/1' }],
    ['of another runner', { runnerId: '01999999-0000-7000-8000-000000000001' as ReportMail['runnerId'] }, {}],
    ['of an offer before this one', { epoch: 3 }, {}],
  ])('%s is ignored and logged', async (_name, said, manner) => {
    await using world = await openMailWorld();

    await world.report(said, manner);

    expect(await world.stateOf()).toBe('offered');
    expect(world.lines.filter(({ level }) => level === 40)).toHaveLength(1);
  });

  test('after the offer has lapsed is ignored', async () => {
    await using world = await openMailWorld();
    world.clock.advance(DEFAULT_TIMINGS.githubAcceptSeconds + 1);
    await world.sweeper.sweep();

    await world.report();

    expect(await world.stateOf()).toBe('queued');
    expect(world.readOrder()).toBeNull();
  });

  test('that gives the offer back puts the job in the queue again', async () => {
    await using world = await openMailWorld();

    await world.report({ declined: { reason: 'disk_full', detail: '' } });

    expect(await world.stateOf()).toBe('queued');
    expect(world.readOffer()).toBeNull();
  });
});

describe('reports', () => {
  test('keep the lease alive, tell of phases and bring the log, with what is missing said', async () => {
    await using world = await openMailWorld();
    await world.report();
    world.clock.advance(60);
    await world.report({ number: 2, phase: 'baseline', log: { offset: 0, text: 'one\n' } });
    await world.report({ number: 3, phase: 'agent', started: true, log: { offset: 14, text: 'four\n' } });

    const { job, attempt } = await world.jobOf(world.jobId);
    expect(job.state).toBe('running');
    expect(job.deadlineAtMs).toBe(world.clock.nowMs() + DEFAULT_TIMINGS.githubLeaseSeconds * 1000);
    expect(attempt.phase).toBe('agent');
    const log = await world.store.timeline.readLog(attempt.id, 0, 1000);
    expect(new TextDecoder().decode(log)).toBe(
      'one\n[10 bytes of the log did not come through GitHub]\nfour\n',
    );
  });

  test('that are older than what is known change nothing', async () => {
    await using world = await openMailWorld();
    await world.report();
    await world.report({ number: 3, phase: 'agent', started: true });
    const { job } = await world.jobOf(world.jobId);
    world.clock.advance(60);

    await world.report({ number: 2, phase: 'baseline' });
    await world.report({ number: 3, phase: 'agent', started: true });

    expect((await world.jobOf(world.jobId)).job.deadlineAtMs).toBe(job.deadlineAtMs);
  });

  test('that stop coming lose the attempt, but not while we can’t look', async () => {
    await using world = await openMailWorld();
    await world.report();
    const { attempt } = await world.jobOf(world.jobId);
    world.clock.advance(DEFAULT_TIMINGS.githubLeaseSeconds - 10);
    world.recorder.failNext('readCheckRun', new GitHubError('unavailable', 'GitHub is away'));

    await expect(world.mailWatch.look(attempt.id)).rejects.toThrow('GitHub is away');
    world.clock.advance(60);
    await world.sweeper.sweep();
    expect(await world.stateOf()).toBe('preparing');

    world.clock.advance(DEFAULT_TIMINGS.returnSeconds);
    await world.sweeper.sweep();
    expect((await world.store.attempts.get(attempt.id))?.outcome).toBe('lost');
  });

  test('of the end of the work make the job succeed, once leave to publish was given', async () => {
    await using world = await openMailWorld();
    const headCommit = aResult().headCommit;
    await world.report();
    await world.report({ number: 2, phase: 'publish', started: true, publishCommit: headCommit });
    expect(world.readOrder()).toMatchObject({ verb: 'publish', nonce: world.nonce });

    const end = { number: 3, phase: 'publish', started: true, publishCommit: headCommit } as const;
    await world.report({ ...end, result: aResult() }, { status: 'completed' });
    await world.report({ ...end, result: aResult() }, { status: 'completed' });

    expect(await world.stateOf()).toBe('succeeded');
    expect(world.recorder.pullRequests).toHaveLength(1);
    expect((await world.kindsOf(world.jobId)).filter((kind) => kind === 'succeeded')).toHaveLength(1);
  });

  test('are read as soon as GitHub tells of a check run that was completed, but not of another App’s', async () => {
    await using world = await openMailWorld();

    const ofAnother = await world.report({}, { toldOfAppId: 4 });
    const stateBefore = await world.stateOf();
    const ofOurs = await world.report({}, { toldOfAppId: 3 });

    expect(ofAnother).toMatchObject({ kind: 'ignored', reason: 'the check run belongs to another App' });
    expect(stateBefore).toBe('offered');
    expect(ofOurs).toMatchObject({ kind: 'looked_at' });
    expect(await world.stateOf()).toBe('preparing');
  });

  test('in a check run of another App do not count, whoever signed them', async () => {
    await using world = await openMailWorld();
    world.checkRun.appId = 4;

    await world.report();

    expect(await world.stateOf()).toBe('offered');
    expect(world.lines).toContainEqual(
      expect.objectContaining({ msg: 'The check run of an attempt belongs to another App', appId: 4 }),
    );
  });

  test('of success without leave to publish do not count', async () => {
    await using world = await openMailWorld();
    await world.report();

    await world.report({ number: 2, result: aResult() }, { status: 'completed' });

    expect(await world.stateOf()).toBe('preparing');
    expect(world.recorder.pullRequests).toEqual([]);
  });

  test('of an attempt that was lost meanwhile do not count', async () => {
    await using world = await openMailWorld();
    await world.report();
    const { attempt } = await world.jobOf(world.jobId);
    world.clock.advance(DEFAULT_TIMINGS.githubLeaseSeconds + DEFAULT_TIMINGS.leaseGraceSeconds + 1);
    await world.sweeper.sweep();

    await world.report(
      { attemptId: attempt.id, epoch: attempt.epoch, number: 2, result: aResult({ outcome: 'no_changes' }) },
      { status: 'completed' },
    );

    expect(await world.stateOf()).toBe('queued');
    expect((await world.store.attempts.get(attempt.id))?.outcome).toBe('lost');
  });
});

describe('cancelling', () => {
  test('before the claim ends it at once; after it the runner is told, and confirms', async () => {
    await using world = await openMailWorld();
    await world.report();

    await world.dispatcher.cancel(world.jobId, 'The label was removed.');
    await world.settle();
    expect(world.readOrder()).toMatchObject({ verb: 'cancel', nonce: world.nonce });

    await world.report({ number: 2, result: aResult({ outcome: 'cancelled' }) }, { status: 'completed' });
    expect(await world.stateOf()).toBe('cancelled');
  });

  test('an order that somebody took out is written again', async () => {
    await using world = await openMailWorld();
    await world.report();
    await world.dispatcher.cancel(world.jobId, 'The label was removed.');
    await world.settle();
    const [job, attempt] = world.checkRun.externalId.split(':');
    world.checkRun.externalId = `${job}:${attempt}`;

    await world.report({ number: 2, phase: 'agent' });

    expect(world.readOrder()).toMatchObject({ verb: 'cancel' });
  });
});

test('a runner that is revoked loses its attempt', async () => {
  await using world = await openMailWorld();
  await world.report();
  const { attempt } = await world.jobOf(world.jobId);

  await world.registry.revoke(world.runnerId);
  await world.settle();

  expect((await world.store.attempts.get(attempt.id))?.outcome).toBe('lost');
});
