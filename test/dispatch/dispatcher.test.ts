import { describe, expect, test } from 'vitest';
import { GitHubError } from '../../src/github/github-error.ts';
import { toResultCheckRun } from '../../src/domain/check-run-text.ts';
import { DEFAULT_TIMINGS as TIMINGS } from '../../src/domain/timings.ts';
import { aLabelTrigger, anIdempotency, openDispatchWorld, value } from '../support/dispatch-world.ts';
import { aResult } from '../support/job-builders.ts';

describe('the way of a job', () => {
  test('from a label to a pull request with its evidence', async () => {
    await using world = await openDispatchWorld();
    const { dispatcher, recorder, outbox } = world;
    const runner = await world.enrol();

    const jobId = await world.label();
    const taken = await world.takeAndFinish(runner);
    value(await dispatcher.evidence(taken.lease, { evidence: aResult().evidence }, anIdempotency()));
    recorder.branches.set(taken.spec.branch, aResult().headCommit ?? '');
    value(
      await dispatcher.complete({
        lease: taken.lease,
        result: aResult(),
        checkRunFinished: true,
        idempotency: anIdempotency(),
      }),
    );
    const beforeOutbox = await world.jobOf(jobId);
    await outbox.runDue();

    expect(beforeOutbox.job).toMatchObject({
      state: 'succeeded',
      outcome: 'pull_request',
      pullRequest: null,
    });
    const { job, attempt } = await world.jobOf(jobId);
    expect(job.pullRequest).toMatchObject({ number: recorder.pullRequests[0]?.number });
    expect(attempt).toMatchObject({ outcome: 'pull_request', leaseTokenHash: null, result: aResult() });
    expect(recorder.pullRequests).toMatchObject([{ head: taken.spec.branch, base: 'main' }]);
    expect(recorder.checkRuns.map((run) => [run.name, run.headCommit])).toEqual([
      ['Yardmaster / backend', taken.spec.startCommit],
      ['Yardmaster evidence / backend', aResult().headCommit],
    ]);
    expect(recorder.comments).toHaveLength(1);
    expect(recorder.comments[0]?.body).toContain(`/pull/${recorder.pullRequests[0]?.number}`);
    expect(recorder.tokens.map((token) => [token.permissions, token.revoked])).toEqual([
      [{ contents: 'read', checks: 'write', metadata: 'read' }, true],
      [{ contents: 'write' }, true],
    ]);
    expect(await world.kindsOf(jobId)).toEqual([
      'queued',
      'ready',
      'offered',
      'accepted',
      'phase',
      'phase',
      'evidence',
      'succeeded',
      'pull_request',
    ]);
  });

  test('the runner gets all that it needs, and nothing that it could not check', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();

    const { spec, leaseSeconds, heartbeatSeconds } = await world.take(await world.enrol());

    const { job, attempt } = await world.jobOf(jobId);
    expect(spec).toMatchObject({
      jobId,
      attemptId: attempt.id,
      branch: job.branch,
      startCommit: attempt.startCommit,
      base: attempt.base,
      checkRun: {
        id: attempt.checkRun?.id,
        name: 'Yardmaster / backend',
        externalId: `${jobId}:${attempt.id}`,
        appId: 3,
      },
      commitAuthor: { name: 'yardmaster[bot]', email: '9+yardmaster[bot]@users.noreply.github.com' },
    });
    expect([leaseSeconds, heartbeatSeconds]).toEqual([TIMINGS.leaseSeconds, TIMINGS.heartbeatSeconds]);
  });

  test('no secret is stored as it is', async () => {
    await using world = await openDispatchWorld();
    await world.label();
    const runner = await world.enrol();

    const taken = await world.take(runner);

    const stored = JSON.stringify([
      await world.store.runners.get(runner.id),
      await world.store.attempts.get(taken.lease.attemptId),
    ]);
    for (const secret of [
      taken.leaseToken,
      taken.runToken.token,
      runner.key,
      runner.sessionToken.split('.')[2] ?? '?',
    ]) {
      expect(stored).not.toContain(secret);
    }
  });
});

describe('polls', () => {
  test('a long poll answers the moment there is work', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    world.sweeper.start();

    const polling = world.poll(runner, { waitSeconds: 50 });
    const jobId = await world.label();

    expect(value(await polling).offers).toMatchObject([
      { jobId, acceptWithinSeconds: TIMINGS.acceptSeconds },
    ]);
  });

  test('an offer is told once, and again when nobody has answered for a while', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await world.label();

    const first = value(await world.poll(runner));
    const second = value(await world.poll(runner));
    world.clock.advance(TIMINGS.retellSeconds);
    const third = value(await world.poll(runner));

    expect([first, second, third].map(({ offers }) => offers.length)).toEqual([1, 0, 1]);
  });

  test('who is leaving is offered nothing, and an operator’s wish to leave is told', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await world.poll(runner, { draining: true });
    await world.label();

    const leaving = value(await world.poll(runner, { draining: true }));
    await world.registry.drain(runner.id);
    const told = value(await world.poll(runner, { waitSeconds: 50 }));

    expect(leaving.offers).toEqual([]);
    expect(told).toMatchObject({ offers: [], drain: true });
  });

  test('no more is told than the runner has room for', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol({ capacity: 3 });
    for (const issueNumber of [1, 2, 3]) await world.label({ issueNumber });

    const some = value(await world.poll(runner, { freeSlots: 2 }));
    const rest = value(await world.poll(runner, { freeSlots: 1 }));

    expect([some.offers.length, rest.offers.length]).toEqual([2, 1]);
  });

  test('a runner that hangs up ends its poll, and is told again when it comes back', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const hangUp = new AbortController();
    const polling = world.poll(runner, { waitSeconds: 50 }, hangUp.signal);

    hangUp.abort();
    const abandoned = value(await polling);
    await world.label();

    expect(abandoned).toEqual({ offers: [], cancels: [], drain: false });
    expect(value(await world.poll(runner)).offers).toHaveLength(1);
  });

  test('an attempt that the runner only believes to have is called off', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const stray = '00000000-0000-7000-8000-000000000001' as never;

    const news = value(await world.poll(runner, { attempts: [stray], waitSeconds: 50 }));

    expect(news.cancels).toMatchObject([{ attemptId: stray }]);
  });

  test('a runner that asks for another one’s attempt does not take the other one’s cancel away', async () => {
    await using world = await openDispatchWorld();
    const [owner, thief] = [await world.enrol(), await world.enrol({ name: 'thief' })];
    const jobId = await world.label();
    const { lease } = await world.take(owner);

    await world.poll(thief, { attempts: [lease.attemptId] });
    await world.dispatcher.cancel(jobId, 'no more');

    const { cancels } = value(await world.poll(owner, { attempts: [lease.attemptId] }));
    expect(cancels).toEqual([{ attemptId: lease.attemptId, reason: 'no more' }]);
  });

  test('the poll of an older session hears that it is superseded', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const polling = world.poll(runner, { waitSeconds: 50 });

    await world.openSession(runner);

    expect(await polling).toMatchObject({ ok: false, code: 'superseded' });
  });
});

describe('offers', () => {
  test('one that nobody answers goes back and to another runner, at no cost', async () => {
    await using world = await openDispatchWorld();
    const [first, second] = [await world.enrol({ name: 'be-1' }), await world.enrol({ name: 'be-2' })];
    const jobId = await world.label();
    const offer = await world.offerFor(first);

    world.clock.advance(TIMINGS.acceptSeconds);
    await world.sweeper.sweep();
    const late = await world.dispatcher.accept({
      session: first.session,
      ...offer,
      idempotency: anIdempotency(),
    });
    const next = await world.offerFor(second);

    expect(late).toMatchObject({ ok: false, code: 'stale_attempt' });
    expect(next).toMatchObject({ attemptId: offer.attemptId, epoch: offer.epoch + 1 });
    expect((await world.jobOf(jobId)).job).toMatchObject({ offers: 1, infrastructureRetries: 0 });
  });

  test('one that is declined goes back at once; whoever declined is passed over for a while', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const jobId = await world.label();
    const { attemptId, epoch } = await world.offerFor(runner);

    const call = {
      session: runner.session,
      attemptId,
      epoch,
      reason: 'disk_full' as const,
      detail: '1 GB left',
    };
    value(await world.dispatcher.decline({ ...call, idempotency: anIdempotency() }));
    const meanwhile = value(await world.poll(runner));
    world.clock.advance(TIMINGS.avoidRunnerSeconds);
    const later = value(await world.poll(runner));

    expect(meanwhile.offers).toEqual([]);
    expect(later.offers).toMatchObject([{ jobId, epoch: epoch + 1 }]);
    expect(await world.store.timeline.eventsOf(jobId)).toContainEqual(
      expect.objectContaining({ kind: 'declined', text: 'be-1 has too little free disk space (1 GB left).' }),
    );
  });

  test('an accepted attempt whose check run is wrong is given back, and its token ends', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const jobId = await world.label();
    const { lease } = await world.take(runner);

    const decline = {
      ...lease,
      reason: 'wrong_check_run' as const,
      detail: '',
      idempotency: anIdempotency(),
    };
    value(await world.dispatcher.decline(decline));
    value(await world.dispatcher.decline(decline));
    await world.outbox.runDue();

    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'queued', offers: 1 });
    expect(world.recorder.tokens.map((token) => token.revoked)).toEqual([true]);
    expect(await world.dispatcher.heartbeat(lease, { phase: 'prepare' })).toMatchObject({
      code: 'stale_attempt',
    });
  });

  test('the token of who gives an attempt back ends, that of the next one stays', async () => {
    await using world = await openDispatchWorld();
    const [first, second] = [await world.enrol(), await world.enrol({ name: 'be-2' })];
    await world.label();
    const { lease } = await world.take(first);

    const reason = 'wrong_check_run' as const;
    const decline = { ...lease, reason, detail: '', idempotency: anIdempotency() };
    value(await world.dispatcher.decline(decline));
    await world.take(second);
    await world.outbox.runDue();

    expect(world.recorder.tokens.map((token) => token.revoked)).toEqual([true, false]);
  });

  test('of two requests that race for one offer, the slower leaves the token of the faster alone', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await world.label();
    const { attemptId, epoch } = await world.offerFor(runner);
    const call = () =>
      world.dispatcher.accept({ session: runner.session, attemptId, epoch, idempotency: anIdempotency() });

    const answers = await Promise.all([call(), call()]);

    expect(answers.map((answer) => answer.ok)).toEqual([true, false]);
    expect(world.recorder.tokens.map((token) => token.revoked)).toEqual([false, true]);
  });

  test('a runner without room is offered nothing, whatever its capacity; the issue says so, and nothing is lost by it', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const jobId = await world.label();

    for (let round = 0; round < 12; round += 1) {
      await world.poll(runner, { freeSlots: 0 });
      await world.sweeper.sweep();
      world.clock.advance(TIMINGS.acceptSeconds + TIMINGS.avoidRunnerSeconds);
    }
    await world.outbox.runDue();

    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'queued', offers: 0 });
    expect(world.recorder.comments[0]?.body).toContain('be-1 reports no free slot');
    expect(await world.offerFor(runner)).toMatchObject({ jobId, epoch: 1 });
  });

  test('an offer that its runner never heard of does not count', async () => {
    await using world = await openDispatchWorld();
    await world.enrol();
    const jobId = await world.label();

    await world.assigner.assign();
    world.clock.advance(TIMINGS.acceptSeconds);
    await world.sweeper.sweep();

    expect(await world.kindsOf(jobId)).toContain('offer_lapsed');
    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'queued', offers: 0 });
  });

  test.each([
    ['leaves', { draining: true }],
    ['has no room', { freeSlots: 0 }],
  ])('what a runner that %s has not heard of goes to another at once', async (_why, request) => {
    await using world = await openDispatchWorld();
    const leaving = await world.enrol({ name: 'be-1', capacity: 8 });
    const told = await world.label({ issueNumber: 1 });
    await world.offerFor(leaving);
    const untold = await world.label({ issueNumber: 2 });
    await world.assigner.assign();
    const other = await world.enrol({ name: 'be-2', capacity: 1 });

    await world.poll(leaving, request);

    expect(await world.offerFor(other)).toMatchObject({ jobId: untold });
    expect((await world.jobOf(told)).job).toMatchObject({ state: 'offered', runnerId: leaving.id });
  });

  test('an outage of GitHub that outlasts every budget of offers ends no job', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const jobId = await world.label();

    for (let offer = 0; offer < 25; offer += 1) {
      const { attemptId, epoch } = await world.offerFor(runner);
      const decline = { session: runner.session, attemptId, epoch, detail: '', idempotency: anIdempotency() };
      value(await world.dispatcher.decline({ ...decline, reason: 'github_unreachable' }));
      world.clock.advance(TIMINGS.avoidRunnerSeconds + 1);
    }

    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'queued', offers: 0 });
    const told = (await world.kindsOf(jobId)).filter((kind) => kind === 'postponed');
    expect(told.length).toBeLessThanOrEqual(3);
  });

  test('after ten offers that nobody took the job is dead, and the issue says why', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const jobId = await world.label();

    for (let round = 0; round < 10; round += 1) {
      await world.offerFor(runner);
      world.clock.advance(TIMINGS.acceptSeconds);
      await world.sweeper.sweep();
      world.clock.advance(TIMINGS.avoidRunnerSeconds);
    }
    await world.outbox.runDue();

    expect((await world.jobOf(jobId)).job.state).toBe('dead');
    expect(world.recorder.comments[0]?.body).toContain('No runner took the job in 10 offers');
    expect(world.recorder.checkRuns[0]?.content).toMatchObject({ status: 'completed' });
    expect([...world.recorder.branches.keys()]).toEqual(['main']);
  });

  test('of two calls that accept one offer, both get it when they are one request, and the newest lease counts', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await world.label();
    const { attemptId, epoch } = await world.offerFor(runner);
    const call = { session: runner.session, attemptId, epoch, idempotency: anIdempotency() };

    const first = value(await world.dispatcher.accept(call));
    const repeat = value(await world.dispatcher.accept(call));
    const another = await world.dispatcher.accept({ ...call, idempotency: anIdempotency() });
    const beat = (leaseToken: string) =>
      world.dispatcher.heartbeat(
        { session: runner.session, attemptId, epoch, leaseToken },
        { phase: 'prepare' },
      );

    expect(repeat.spec).toEqual(first.spec);
    expect(another).toMatchObject({ ok: false, code: 'stale_attempt' });
    expect(await beat(first.leaseToken)).toMatchObject({ ok: false, code: 'stale_attempt' });
    expect(await beat(repeat.leaseToken)).toMatchObject({ ok: true });
  });

  test('nobody accepts what was offered to somebody else', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await world.label();
    const { attemptId, epoch } = await world.offerFor(runner);
    const stranger = await world.enrol({ name: 'be-2' });

    const stolen = await world.dispatcher.accept({
      session: stranger.session,
      attemptId,
      epoch,
      idempotency: anIdempotency(),
    });

    expect(stolen).toMatchObject({ ok: false, code: 'stale_attempt' });
    expect(world.recorder.tokens).toEqual([]);
  });

  test('while GitHub gives no token the job waits, and it counts against nobody', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const jobId = await world.label();
    world.recorder.failNext('mintToken', new GitHubError('unavailable', 'GitHub answers 502'));
    const { attemptId, epoch } = await world.offerFor(runner);

    const refusal = await world.dispatcher.accept({
      session: runner.session,
      attemptId,
      epoch,
      idempotency: anIdempotency(),
    });
    const meanwhile = value(await world.poll(runner));
    world.clock.advance(TIMINGS.retryBaseSeconds);
    const again = value(await world.poll(runner));

    expect(refusal).toMatchObject({ ok: false, code: 'stale_attempt' });
    expect(meanwhile.offers).toEqual([]);
    expect(again.offers).toMatchObject([{ jobId }]);
    expect((await world.jobOf(jobId)).job).toMatchObject({ offers: 0, avoid: [] });
  });

  test('when GitHub refuses the token for good, the job fails with its words', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const jobId = await world.label();
    world.recorder.failNext('mintToken', new GitHubError('forbidden', 'Repository was archived'));
    const { attemptId, epoch } = await world.offerFor(runner);

    await world.dispatcher.accept({
      session: runner.session,
      attemptId,
      epoch,
      idempotency: anIdempotency(),
    });

    expect((await world.jobOf(jobId)).job).toMatchObject({
      state: 'failed',
      stateReason: 'GitHub gives no token for the repository: Repository was archived',
    });
  });
});

describe('leases', () => {
  test('heartbeats keep an attempt alive for as long as they come', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { lease } = await world.take(await world.enrol());

    for (let beat = 0; beat < 100; beat += 1) {
      world.clock.advance(TIMINGS.leaseSeconds - 1);
      const answer = value(await world.dispatcher.heartbeat(lease, { phase: 'prepare' }));
      expect(answer).toMatchObject({ action: 'continue', leaseSeconds: TIMINGS.leaseSeconds });
      if (beat === 10) break;
    }
    await world.sweeper.sweep();

    expect((await world.jobOf(jobId)).job.state).toBe('preparing');
  });

  test('a lost attempt goes to another runner on a new start commit, and the old one is locked out everywhere', async () => {
    await using world = await openDispatchWorld();
    const { dispatcher, recorder } = world;
    const [lostRunner, nextRunner] = [
      await world.enrol({ name: 'be-1' }),
      await world.enrol({ name: 'be-2' }),
    ];
    const jobId = await world.label();
    const lost = await world.takeAndFinish(lostRunner);

    world.clock.advance(TIMINGS.leaseSeconds + TIMINGS.leaseGraceSeconds);
    await world.sweeper.sweep();
    await world.outbox.runDue();
    const next = await world.openSession(nextRunner).then((runner) => world.take(runner));

    expect(next.spec).toMatchObject({ jobId, attemptNumber: 2, branch: lost.spec.branch });
    expect(next.spec.startCommit).not.toBe(lost.spec.startCommit);
    expect(recorder.branches.get(next.spec.branch)).toBe(next.spec.startCommit);
    const complete = {
      lease: lost.lease,
      result: aResult(),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    };
    for (const call of [
      dispatcher.heartbeat(lost.lease, { phase: 'agent' }),
      dispatcher.token({ lease: lost.lease, purpose: 'publish', headCommit: null }),
      dispatcher.log(lost.lease, { offset: 0, text: 'x' }),
      dispatcher.evidence(lost.lease, { evidence: aResult().evidence }, anIdempotency()),
      dispatcher.complete(complete),
    ]) {
      expect(await call).toMatchObject({ ok: false, code: 'stale_attempt' });
    }
    expect(recorder.checkRuns[0]?.content).toMatchObject({ status: 'completed', conclusion: 'neutral' });
    expect(recorder.tokens.filter((token) => !token.revoked)).toHaveLength(1);
  });

  test('a lease is not judged before its grace is over', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    await world.take(await world.enrol());

    world.clock.advance(TIMINGS.leaseSeconds + TIMINGS.leaseGraceSeconds - 1);
    await world.sweeper.sweep();

    expect((await world.jobOf(jobId)).job.state).toBe('preparing');
  });

  test('after a coordinator outage runners have time to come back', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { lease } = await world.take(await world.enrol());

    world.clock.advance(3600);
    await world.sweeper.forgiveOutage();
    await world.sweeper.sweep();
    world.clock.advance(TIMINGS.returnSeconds - 1);
    const back = await world.dispatcher.heartbeat(lease, { phase: 'agent' });

    expect(back).toMatchObject({ ok: true, value: { action: 'continue' } });
    expect((await world.jobOf(jobId)).job.attemptNumber).toBe(1);
  });

  test('an offer that could not be answered in an outage stands for as long as a new one', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const runner = await world.enrol();
    const { offers } = value(await world.poll(runner));
    expect(offers).toMatchObject([{ jobId }]);

    world.clock.advance(3600);
    await world.sweeper.forgiveOutage();
    world.clock.advance(TIMINGS.acceptSeconds - 1);
    await world.sweeper.sweep();
    expect((await world.jobOf(jobId)).job.state).toBe('offered');

    world.clock.advance(2);
    await world.sweeper.sweep();
    expect((await world.jobOf(jobId)).job.state).not.toBe('offered');
  });

  test('a planned stop hands out leases that outlive it', async () => {
    await using world = await openDispatchWorld();
    await world.label();
    const { lease } = await world.take(await world.enrol());

    world.dispatcher.announceStop();

    const answer = value(await world.dispatcher.heartbeat(lease, { phase: 'prepare' }));
    expect(answer.leaseSeconds).toBe(TIMINGS.plannedStopSeconds);
  });

  test('a fourth lost runner ends the job', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const runner = await world.enrol();

    for (let round = 0; round < 4; round += 1) {
      await world.take(await world.openSession(runner));
      world.clock.advance(TIMINGS.leaseSeconds + TIMINGS.leaseGraceSeconds);
      await world.sweeper.sweep();
      world.clock.advance(TIMINGS.avoidRunnerSeconds);
      await world.outbox.runDue();
    }

    expect((await world.jobOf(jobId)).job).toMatchObject({
      state: 'dead',
      outcome: 'lost',
      attemptNumber: 4,
    });
  });

  test('a run that takes too long is ended by the coordinator if its runner does not', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { lease, spec } = await world.take(await world.enrol());

    for (let minute = 0; minute <= spec.settings.maxMinutes + TIMINGS.overrunSeconds / 60; minute += 1) {
      await world.dispatcher.heartbeat(lease, { phase: 'agent' });
      world.clock.advance(60);
    }
    await world.sweeper.sweep();

    expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'timed_out', outcome: 'timed_out' });
    expect(await world.dispatcher.heartbeat(lease, { phase: 'agent' })).toMatchObject({
      code: 'stale_attempt',
    });
  });

  test('a wrong token or epoch opens nothing', async () => {
    await using world = await openDispatchWorld();
    await world.label();
    const { lease } = await world.take(await world.enrol());

    for (const wrong of [{ leaseToken: 'guess' }, { leaseToken: '' }, { epoch: lease.epoch + 1 }]) {
      const answer = await world.dispatcher.heartbeat({ ...lease, ...wrong }, { phase: 'agent' });
      expect(answer).toMatchObject({ ok: false, code: 'stale_attempt' });
    }
  });
});

test('a runner that goes back and forth between phases is told of for so long and no longer', async () => {
  await using world = await openDispatchWorld();
  const jobId = await world.label();
  const { lease } = await world.take(await world.enrol());

  for (let round = 0; round < 60; round += 1) {
    value(await world.dispatcher.heartbeat(lease, { phase: round % 2 === 0 ? 'agent' : 'verify' }));
  }

  expect((await world.kindsOf(jobId)).filter((kind) => kind === 'phase')).toHaveLength(50);
  expect((await world.jobOf(jobId)).attempt.phase).toBe('verify');
});

describe('the log', () => {
  test('a repeat, an overlap and a gap all lead back to what is stored', async () => {
    await using world = await openDispatchWorld();
    await world.label();
    const { lease } = await world.take(await world.enrol());
    const log = async (offset: number, text: string) =>
      value(await world.dispatcher.log(lease, { offset, text })).committedOffset;

    const committed = [
      await log(0, 'héllo '),
      await log(0, 'héllo '),
      await log(3, 'llo world'),
      await log(99, 'lost before'),
      await log(12, '!'),
    ];

    expect(committed).toEqual([7, 7, 12, 12, 13]);
    const stored = await world.store.timeline.readLog(lease.attemptId, 0, 1000);
    expect(Buffer.from(stored).toString()).toBe('héllo world!');
  });

  test('past its limit a log is taken from the runner and dropped', async () => {
    await using world = await openDispatchWorld();
    await world.label();
    const { lease } = await world.take(await world.enrol());
    const chunk = 'x'.repeat(256 * 1024);

    let offset = 0;
    for (let part = 0; part < 66; part += 1) {
      offset = value(await world.dispatcher.log(lease, { offset, text: chunk })).committedOffset;
    }

    expect(offset).toBe(66 * chunk.length);
    const stored = await world.store.timeline.readLog(lease.attemptId, 0, 1e9);
    expect(stored.length).toBe(16 * 1024 * 1024);
  });

  test('a chunk that is too large in bytes is refused', async () => {
    await using world = await openDispatchWorld();
    await world.label();
    const { lease } = await world.take(await world.enrol());

    const answer = await world.dispatcher.log(lease, { offset: 0, text: '€'.repeat(100_000) });

    expect(answer).toMatchObject({ ok: false, code: 'too_large' });
  });
});

describe('the end of an attempt', () => {
  test('told twice, it happens once, and both get the answer', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { lease } = await world.takeAndFinish(await world.enrol());
    const call = { lease, result: aResult(), checkRunFinished: true, idempotency: anIdempotency() };

    const answers = [await world.dispatcher.complete(call), await world.dispatcher.complete(call)];
    const other = await world.dispatcher.complete({ ...call, idempotency: anIdempotency() });
    const reused = await world.dispatcher.complete({
      ...call,
      idempotency: { ...call.idempotency, requestHash: 'other' },
    });

    expect(answers).toEqual([
      { ok: true, value: {} },
      { ok: true, value: {} },
    ]);
    expect(other).toMatchObject({ code: 'stale_attempt' });
    expect(reused).toMatchObject({ code: 'invalid_request' });
    expect((await world.kindsOf(jobId)).filter((kind) => kind === 'succeeded')).toHaveLength(1);
  });

  test('a pull request without a push that was allowed is refused', async () => {
    await using world = await openDispatchWorld();
    await world.label();
    const { lease } = await world.take(await world.enrol());

    const answer = await world.dispatcher.complete({
      lease,
      result: aResult(),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    });

    expect(answer).toMatchObject({ ok: false, code: 'invalid_request' });
  });

  test.each([
    ['no_changes', null, false],
    ['policy_refused', null, false],
    ['tests_failed', 'd'.repeat(40), true],
  ] as const)('%s fails the job at once; pushed work stays', async (outcome, headCommit, stays) => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { lease, spec } = await world.takeAndFinish(await world.enrol());
    if (headCommit !== null) world.recorder.branches.set(spec.branch, headCommit);
    const result = aResult({ outcome, headCommit, retryable: true, reason: 'It is so.' });

    value(
      await world.dispatcher.complete({
        lease,
        result,
        checkRunFinished: true,
        idempotency: anIdempotency(),
      }),
    );
    await world.outbox.runDue();

    expect((await world.jobOf(jobId)).job).toMatchObject({
      state: 'failed',
      outcome,
      stateReason: 'It is so.',
    });
    expect(world.recorder.branches.has(spec.branch)).toBe(stays);
    expect(world.recorder.pullRequests).toEqual([]);
    expect(world.recorder.comments[0]?.body).toContain('It is so.');
  });

  test.each(['pull_request', 'tests_failed', 'agent_failed'] as const)(
    'what GitHub did not hear of the end from the runner, it hears from the coordinator: %s',
    async (outcome) => {
      await using world = await openDispatchWorld();
      const jobId = await world.label();
      const { lease } = await world.takeAndFinish(await world.enrol());
      const result = aResult({ outcome, retryable: true });
      const text = `${'x'.repeat(60_000)}\nthe last line\n`;
      value(await world.dispatcher.log(lease, { offset: 0, text }));

      const call = { lease, result, checkRunFinished: false, idempotency: anIdempotency() };
      value(await world.dispatcher.complete(call));
      await world.outbox.runDue();

      const log = { text, jobId };
      const content = toResultCheckRun({ specialty: 'backend', runnerName: 'be-1', result, log });
      expect(world.recorder.checkRuns[0]?.content).toEqual(content);
      expect(content.text).toContain('\n…\nthe last line\n');
    },
  );

  test('an agent that may do better gets another try later, on a start commit that takes the branch over', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const runner = await world.enrol();
    const { lease, spec } = await world.take(runner);
    const result = aResult({
      outcome: 'agent_failed',
      headCommit: null,
      retryable: true,
      reason: 'Its service is down.',
    });

    value(
      await world.dispatcher.complete({
        lease,
        result,
        checkRunFinished: true,
        idempotency: anIdempotency(),
      }),
    );
    await world.outbox.runDue();
    const early = await world.jobOf(jobId);
    world.clock.advance(TIMINGS.retryBaseSeconds);
    await world.outbox.runDue();
    const again = await world.take(await world.openSession(runner));

    expect(early.job).toMatchObject({ state: 'queued', workRetries: 1, ready: false });
    expect(early.attempt).toMatchObject({ number: 2, startCommit: null });
    expect(again.spec).toMatchObject({ attemptNumber: 2, branch: spec.branch });
    expect(again.spec.startCommit).not.toBe(spec.startCommit);
  });

  test('a runner that shuts down gives its work to another, without it counting as a failure of the work', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { lease } = await world.take(await world.enrol());
    const result = aResult({ outcome: 'cancelled', headCommit: null, reason: 'The runner was shut down.' });

    value(
      await world.dispatcher.complete({
        lease,
        result,
        checkRunFinished: true,
        idempotency: anIdempotency(),
      }),
    );

    expect((await world.jobOf(jobId)).job).toMatchObject({
      state: 'queued',
      infrastructureRetries: 1,
      workRetries: 0,
    });
  });
});

describe('cancelling', () => {
  test('a job that waits is over at once, and leaves nothing behind', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();

    const result = await world.dispatcher.cancel(jobId, 'alice removed the label');
    await world.outbox.runDue();

    expect(result).toBe('cancelled');
    expect(world.recorder.checkRuns[0]?.content).toMatchObject({
      status: 'completed',
      conclusion: 'cancelled',
    });
    expect([...world.recorder.branches.keys()]).toEqual(['main']);
    expect(world.recorder.comments[0]?.body).toContain('alice removed the label');
  });

  test('an offer is withdrawn', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const jobId = await world.label();
    const { attemptId, epoch } = await world.offerFor(runner);

    await world.dispatcher.cancel(jobId, 'no more');
    const late = await world.dispatcher.accept({
      session: runner.session,
      attemptId,
      epoch,
      idempotency: anIdempotency(),
    });

    expect(late).toMatchObject({ code: 'stale_attempt' });
  });

  test('a working runner is told by its long poll and by its heartbeat, and confirms', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    const jobId = await world.label();
    const { lease, spec } = await world.take(runner);
    await world.dispatcher.start(lease, anIdempotency());
    const polling = world.poll(runner, { waitSeconds: 50, attempts: [lease.attemptId] });

    const result = await world.dispatcher.cancel(jobId, 'alice closed the issue');
    const told = value(await polling);
    const beat = value(await world.dispatcher.heartbeat(lease, { phase: 'agent' }));
    const token = await world.dispatcher.token({ lease, purpose: 'publish', headCommit: null });
    const confirm = {
      lease,
      result: aResult({ outcome: 'cancelled', headCommit: null }),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    };
    value(await world.dispatcher.complete(confirm));
    await world.outbox.runDue();

    expect(result).toBe('cancelling');
    expect(told.cancels).toEqual([{ attemptId: lease.attemptId, reason: 'alice closed the issue' }]);
    expect(beat).toMatchObject({ action: 'cancel', reason: 'alice closed the issue' });
    expect(token).toMatchObject({ ok: false, code: 'policy_refused' });
    expect((await world.jobOf(jobId)).job).toMatchObject({
      state: 'cancelled',
      stateReason: 'alice closed the issue',
    });
    expect(world.recorder.branches.has(spec.branch)).toBe(false);
    expect(world.recorder.checkRuns[0]?.content).toMatchObject({ conclusion: 'cancelled' });
    expect(world.recorder.tokens.every((entry) => entry.revoked)).toBe(true);
  });

  test('a cancel that nobody confirms counts as done after a while, whatever the heartbeats say', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { lease } = await world.take(await world.enrol());
    await world.dispatcher.cancel(jobId, 'no more');

    world.clock.advance(TIMINGS.cancelConfirmSeconds - 1);
    await world.dispatcher.heartbeat(lease, { phase: 'agent' });
    await world.sweeper.sweep();
    const before = (await world.jobOf(jobId)).job.state;
    world.clock.advance(1);
    await world.sweeper.sweep();

    expect([before, (await world.jobOf(jobId)).job.state]).toEqual(['cancelling', 'cancelled']);
    expect(await world.dispatcher.heartbeat(lease, { phase: 'agent' })).toMatchObject({
      code: 'stale_attempt',
    });
  });

  test('between a cancel and a completion, whoever is first wins', async () => {
    await using world = await openDispatchWorld();
    const [first, second] = [await world.enrol(), await world.enrol({ name: 'be-2' })];
    const cancelledFirst = await world.label({ issueNumber: 1 });
    const a = await world.takeAndFinish(first);
    const completedFirst = await world.label({ issueNumber: 2 });
    const b = await world.takeAndFinish(second);

    await world.dispatcher.cancel(cancelledFirst, 'no more');
    await world.dispatcher.complete({
      lease: a.lease,
      result: aResult(),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    });
    await world.dispatcher.complete({
      lease: b.lease,
      result: aResult(),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    });
    const late = await world.dispatcher.cancel(completedFirst, 'no more');

    expect((await world.jobOf(cancelledFirst)).job.state).toBe('cancelled');
    expect(late).toBe('ended');
    expect((await world.jobOf(completedFirst)).job.state).toBe('succeeded');
  });

  test('pushed work of a cancelled job goes with its branch', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { lease, spec } = await world.takeAndFinish(await world.enrol());
    world.recorder.branches.set(spec.branch, aResult().headCommit ?? '');

    await world.dispatcher.cancel(jobId, 'no more');
    await world.dispatcher.complete({
      lease,
      result: aResult(),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    });
    await world.outbox.runDue();

    expect(world.recorder.branches.has(spec.branch)).toBe(false);
    expect(world.recorder.pullRequests).toEqual([]);
  });

  test('what a cancelled attempt pushed goes, though its runner never reported it, also under an earlier name', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { spec } = await world.takeAndFinish(await world.enrol());
    const pushed = aResult().headCommit ?? '';
    world.clock.advance(TIMINGS.leaseSeconds + TIMINGS.leaseGraceSeconds);
    await world.sweeper.sweep();
    world.recorder.branches.set(spec.branch, 'e'.repeat(40));
    await world.outbox.runDue();
    const second = (await world.jobOf(jobId)).job.branch;
    world.recorder.branches.set(spec.branch, pushed);

    await world.dispatcher.cancel(jobId, 'no more');
    await world.outbox.runDue();

    expect(second).toBe(`${spec.branch}-2`);
    expect([...world.recorder.branches.keys()]).toEqual(['main']);
  });

  test('what a lost attempt pushed is taken over by the next one', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();
    const { spec } = await world.takeAndFinish(await world.enrol());
    world.recorder.branches.set(spec.branch, aResult().headCommit ?? '');

    world.clock.advance(TIMINGS.leaseSeconds + TIMINGS.leaseGraceSeconds);
    await world.sweeper.sweep();
    await world.outbox.runDue();

    const { job, attempt } = await world.jobOf(jobId);
    expect(job.branch).toBe(spec.branch);
    expect(world.recorder.branches.get(spec.branch)).toBe(attempt.startCommit);
  });

  test('there is nothing to cancel where there is no job', async () => {
    await using world = await openDispatchWorld();

    expect(await world.dispatcher.cancel('00000000-0000-7000-8000-000000000001' as never, 'x')).toBeNull();
  });
});

describe('waiting', () => {
  test('the issue says which requirement nobody meets, once, and again when that changes', async () => {
    await using world = await openDispatchWorld();
    const jobId = await world.label();

    await world.sweeper.sweep();
    world.clock.advance(TIMINGS.sweepSeconds + 1);
    await world.sweeper.sweep();
    world.clock.advance(TIMINGS.progressReportSeconds);
    await world.outbox.runDue();
    const unregistered = world.recorder.comments[0]?.body;
    await world.enrol({ name: 'fe-1', specialties: ['frontend'] });
    await world.enrol({ name: 'be-1' });
    world.clock.advance(TIMINGS.runnerGoneSeconds + 1);
    await world.sweeper.sweep();
    await world.outbox.runDue();

    expect(unregistered).toContain('No runner has the specialty');
    expect(world.recorder.comments[0]?.body).toContain('be-1 is offline since');
    expect((await world.kindsOf(jobId)).filter((kind) => kind === 'waiting')).toHaveLength(2);
  });

  test('a job that nobody fits does not hold up those behind it', async () => {
    await using world = await openDispatchWorld();
    world.recorder.settingsFile = 'specialties:\n  backend:\n    needs: [docker]\n';
    for (let issueNumber = 1; issueNumber <= 60; issueNumber += 1) await world.label({ issueNumber });
    world.recorder.settingsFile = null;
    const modest = await world.label({ issueNumber: 99 });

    const offer = await world.offerFor(await world.enrol());

    expect(offer.jobId).toBe(modest);
  });

  test('no more jobs of a repository are at work than its settings let, however many look for work at once', async () => {
    await using world = await openDispatchWorld();
    await world.enrol({ capacity: 5 });
    world.recorder.settingsFile = 'concurrency: 2\n';
    const [first, , third] = [
      await world.label({ issueNumber: 1 }),
      await world.label({ issueNumber: 2 }),
      await world.label({ issueNumber: 3 }),
    ];

    await Promise.all([world.assigner.assign(), world.assigner.assign()]);

    expect(await world.store.jobs.countByState()).toEqual({ offered: 2, queued: 1 });
    expect((await world.jobOf(third)).job.stateReason).toMatch(/^2 of 2 jobs of this repository are at work/);

    const { target, sender } = aLabelTrigger();
    const ended = {
      kind: 'issue_ended',
      how: 'deleted',
      key: 'gone',
      issueNumber: 1,
      target,
      sender,
    } as const;
    await world.acceptTrigger(ended);
    await world.assigner.assign();

    expect((await world.jobOf(first)).job.state).toBe('cancelled');
    expect((await world.jobOf(third)).job).toMatchObject({ state: 'offered', stateReason: null });
  });

  test('jobs are spread over the fleet, and no runner gets more than it can take', async () => {
    await using world = await openDispatchWorld();
    const runners = [
      await world.enrol({ name: 'be-1', capacity: 1 }),
      await world.enrol({ name: 'be-2', capacity: 2 }),
    ];
    for (const issueNumber of [1, 2, 3, 4, 5]) await world.label({ issueNumber });

    await world.assigner.assign();

    const views = await world.registry.list();
    expect(runners.map(({ id }) => views.find((view) => view.id === id)?.active)).toEqual([1, 2]);
    expect(await world.store.jobs.countByState()).toEqual({ offered: 3, queued: 2 });
  });
});
