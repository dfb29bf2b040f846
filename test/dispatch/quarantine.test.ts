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
    const first = await world.label();
    await fail(world, runner);

    await world.label({ issueNumber: 43 });
    expect(value(await world.poll(runner)).offers).toEqual([]);
    expect(await waitingReason(world, 43)).toMatch(
      /be-1 is passed over until .* \(its last attempt failed at once: it broke/,
    );
    expect((await world.jobOf(first)).job.state).toBe('failed');

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
    await world.label();
    await fail(world, broken);
    const sound = await world.enrol({ name: 'be-2' });

    const next = await world.label({ issueNumber: 43 });

    expect((await world.offerFor(sound)).jobId).toBe(next);
  });

  test('is trusted again after one success', async () => {
    await using world = await openDispatchWorld();
    const runner = await world.enrol();
    await world.label();
    await fail(world, runner);
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
    await world.label();
    await fail(world, runner);
    const next = await world.label({ issueNumber: 43 });

    expect(await world.registry.release(runner.id)).toBe(true);

    expect((await world.offerFor(runner)).jobId).toBe(next);
  });
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

/** Takes the one offer, and fails it at once for a reason that no repeat would mend. */
async function fail(world: World, runner: Runner): Promise<void> {
  const { lease } = await world.take(runner);
  value(
    await world.dispatcher.complete({
      lease,
      result: aResult({ outcome: 'agent_failed', retryable: false, reason: 'it broke.', headCommit: null }),
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
