import { describe, expect, test } from 'vitest';
import { aResult } from '../support/job-builders.ts';
import { anIdempotency, openDispatchWorld, value } from '../support/dispatch-world.ts';
import { someRunnerFacts } from '../support/runner-builders.ts';

type World = Awaited<ReturnType<typeof openDispatchWorld>>;
type Runner = Awaited<ReturnType<World['enrol']>>;

describe('a runner that fails everything fast', () => {
  test('gets no offers for a while, twice as long each time, and the issue says so', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await failThree(world, runner);

    await world.label({ issueNumber: 43 });
    expect(value(await world.poll(runner)).offers).toEqual([]);
    expect(await waitingReason(world, 43)).toMatch(
      /be-1 is passed over until .* \(its last 3 jobs failed at once: it broke/,
    );

    world.clock.advance(11);
    await fail(world, runner);
    await world.label({ issueNumber: 44 });
    world.clock.advance(11);
    expect(value(await world.poll(runner)).offers).toEqual([]);
    world.clock.advance(10);
    expect(value(await world.poll(runner)).offers).toHaveLength(1);
  });

  test('leaves its jobs to others at once', async () => {
    await using world = await openDispatchWorld();
    const broken = await world.enrol();
    await failThree(world, broken);
    const sound = await world.enrol({ name: 'be-2' });

    const next = await world.label({ issueNumber: 43 });

    expect((await world.offerFor(sound)).jobId).toBe(next);
  });

  test('is trusted again after one success', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await failThree(world, runner);
    world.clock.advance(11);
    await world.label({ issueNumber: 43 });

    const { lease } = await world.takeAndFinish(runner);
    const done = { lease, result: aResult(), checkRunFinished: true, idempotency: anIdempotency() };
    value(await world.dispatcher.complete(done));

    expect(await world.store.runners.get(runner.id)).toMatchObject({ failures: 0, quarantinedUntilMs: null });
  });

  test('is released by an operator who has mended it', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await failThree(world, runner);
    const next = await world.label({ issueNumber: 43 });

    expect(await world.registry.release(runner.id)).toBe(true);

    expect((await world.offerFor(runner)).jobId).toBe(next);
  });
});

test('a job that fails wherever it goes is not held against a machine, however often it is tried there', async () => {
  await using world = await openDispatchWorld();
  const runner = await world.enrol();
  const job = await world.label();
  for (let tries = 0; tries < 3; tries += 1) {
    await fail(world, runner, { retryable: true });
    world.clock.advance(200);
    // After so long a wait it has to be heard of before it is offered anything.
    await world.poll(runner);
    await world.outbox.runDue();
    await world.sweeper.sweep();
  }
  expect((await world.jobOf(job)).job).toMatchObject({ state: 'failed', attemptNumber: 3 });
  expect(await world.store.runners.get(runner.id)).toMatchObject({ failures: 1, quarantinedUntilMs: null });

  const next = await world.label({ issueNumber: 43 });

  expect((await world.offerFor(runner)).jobId).toBe(next);
});

test('a runner that takes jobs and says nothing more of them is passed over, too', async () => {
  await using world = await openDispatchWorld();
  const runner = await world.enrol({ capacity: 3 });
  const others = await world.enrol({ name: 'be-2', specialties: ['frontend'] });
  for (const issueNumber of [51, 52, 53]) {
    await world.label({ issueNumber });
    await world.take(runner);
  }
  await world.label({ issueNumber: 54, label: 'agent:frontend' });
  const { lease } = await world.take(others);
  world.clock.advance(100);
  // This one is heard of for a while; that it is lost later says nothing.
  value(await world.dispatcher.heartbeat(lease, { phase: 'agent' }));

  world.clock.advance(260);
  await world.sweeper.sweep();

  expect(await world.store.runners.get(runner.id)).toMatchObject({
    failures: 3,
    quarantineReason: expect.stringMatching(/its last 3 jobs failed at once: be-1 has not been heard of/),
  });
  expect(await world.store.runners.get(others.id)).toMatchObject({ failures: 0 });
});

describe('two processes with one identity', () => {
  test('that take the session from each other again and again get no work, with an alarm', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    for (let takeover = 0; takeover < 4; takeover += 1) {
      world.clock.advance(5);
      await world.openSession(runner, someRunnerFacts());
    }
    const newest = await world.openSession(runner, someRunnerFacts());
    await world.label();

    expect(value(await world.poll(newest)).offers).toEqual([]);
    expect(await waitingReason(world, 42)).toContain('two processes share its identity');
    expect(world.lines).toContainEqual(
      expect.objectContaining({
        level: 50,
        msg: expect.stringContaining('Two processes share one runner’s identity'),
      }),
    );
  });

  test('are not one that opens its session again and again, since no answer reaches it', async () => {
    await using world = await openDispatchWorld();
    const { id, key } = await world.enrol();
    const open = (processId: string) =>
      world.registry.openSession({ runnerId: id, key, facts: someRunnerFacts(), processId });
    const takeovers = () =>
      world.lines.filter(({ msg }) => String(msg).includes('opened a session although'));

    for (let lost = 0; lost < 8; lost += 1) expect(await open('process-a')).toMatchObject({ ok: true });
    const byOne = takeovers().length;
    for (const processId of ['process-b', 'process-a', 'process-b']) await open(processId);

    // The first came after the session of a process that did not say which it was.
    expect(byOne).toBe(1);
    expect(takeovers()).toHaveLength(3);
    expect(world.lines).toContainEqual(
      expect.objectContaining({ msg: expect.stringContaining('Two processes share one runner’s identity') }),
    );
  });

  test('are not what a crash and a restart now and then look like', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    for (let restart = 0; restart < 8; restart += 1) {
      world.clock.advance(200);
      const session = await world.openSession(runner, someRunnerFacts());
      await world.poll(session);
      await world.openSession(runner, someRunnerFacts());
    }
    await world.label();

    const newest = await world.openSession(runner, someRunnerFacts());
    expect((await world.store.runners.get(runner.id))?.quarantinedUntilMs).toBeNull();
    expect(value(await world.poll(newest)).offers).toHaveLength(1);
  });
});

/** As many jobs as make a runner count as broken. */
async function failThree(world: World, runner: Runner): Promise<void> {
  for (const issueNumber of [31, 32, 33]) {
    const job = await world.label({ issueNumber });
    await fail(world, runner);
    expect((await world.jobOf(job)).job.state).toBe('failed');
  }
}

/** Takes the one offer, and fails it at once; for a reason that no repeat would mend, unless it says otherwise. */
async function fail(world: World, runner: Runner, { retryable = false } = {}): Promise<void> {
  const { lease } = await world.take(runner);
  value(
    await world.dispatcher.complete({
      lease,
      result: aResult({ outcome: 'agent_failed', retryable, reason: 'it broke.', headCommit: null }),
      checkRunFinished: true,
      idempotency: anIdempotency(),
    }),
  );
}

async function waitingReason(world: World, issueNumber: number): Promise<string | null> {
  await world.sweeper.sweep();
  const [job] = (await world.store.jobs.list({ states: ['queued'], limit: 9 })).filter(
    (queued) => queued.issue.number === issueNumber,
  );
  return job?.stateReason ?? null;
}
