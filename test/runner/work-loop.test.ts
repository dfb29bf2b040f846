import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { AttemptStop } from '../../src/runner/attempt-stop.ts';
import type { AttemptEnd, RunningAttempt } from '../../src/runner/run-attempt.ts';
import { createCoordinatorTransport } from '../../src/runner/transport/coordinator.ts';
import { createWorkLoop, type LoopEnd, type WorkLoop } from '../../src/runner/work-loop.ts';
import { type FakeCoordinator, startFakeCoordinator } from '../support/fake-coordinator.ts';
import { aJobSpec } from '../support/job-spec.ts';
import { aRunnerKey, someRunnerFacts } from '../support/runner-builders.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';

/** An attempt that does nothing until it is told to end. */
type IdleAttempt = RunningAttempt & { stops: AttemptStop[]; end(how?: AttemptEnd): void };

const GIB = 1024 ** 3;

let coordinator: FakeCoordinator;
let started: IdleAttempt[];
let freeDiskBytes: number;
let paused: boolean;
let loop: WorkLoop;
let ended: Promise<LoopEnd>;

beforeEach(async () => {
  coordinator = await startFakeCoordinator();
  started = [];
  freeDiskBytes = 100 * GIB;
  paused = false;
});
afterEach(async () => {
  loop.drain();
  for (const attempt of started) attempt.end();
  await ended;
  await coordinator[Symbol.asyncDispose]();
});

test('takes offers up to its capacity, and says how much is free', async () => {
  for (let index = 0; index < 3; index += 1) coordinator.offer(aJobSpec());

  run({ capacity: 2 });
  await until('two were taken', () => started.length === 2);
  await until('it says what it holds', () => coordinator.polls.at(-1)?.attempts.length === 2);

  expect(coordinator.polls[0]).toMatchObject({ freeSlots: 2, draining: false, attempts: [] });
  expect(coordinator.polls.at(-1)).toMatchObject({
    freeSlots: 0,
    attempts: started.map(({ attemptId }) => attemptId),
  });
  expect(coordinator.callsOf('accept')).toHaveLength(2);
});

test('asks for more as soon as a slot is free', async () => {
  for (let index = 0; index < 2; index += 1) coordinator.offer(aJobSpec());
  run({ capacity: 1 });
  await until('it is full', () => coordinator.polls.at(-1)?.freeSlots === 0);

  started[0]?.end();

  await until('the second was taken', () => started.length === 2);
});

test('an offer that lapsed before it was accepted is let go', async () => {
  const lapsed = coordinator.offer(aJobSpec());
  // However often it is tried before we look.
  coordinator.fail('accept', 'stale_attempt', 10_000);
  run({ capacity: 1 });
  await until('it was tried', () => coordinator.callsOf('accept').length > 0);
  lapsed.state = 'declined';
  coordinator.mend();

  const next = coordinator.offer(aJobSpec());

  await until('the next was taken', () => started.length === 1);
  expect(started[0]?.attemptId).toBe(next.spec.attemptId);
});

test('a cancel reaches the attempt that it is for', async () => {
  const [first, second] = [coordinator.offer(aJobSpec()), coordinator.offer(aJobSpec())];
  run({ capacity: 2 });
  await until('both run', () => started.length === 2);

  coordinator.cancel(second, 'label removed');

  const stops = (id: string): AttemptStop[] => started.find(({ attemptId }) => attemptId === id)?.stops ?? [];
  await until('it was stopped', () => stops(second.spec.attemptId).length > 0);
  expect(stops(second.spec.attemptId)).toEqual([{ kind: 'cancelled', reason: 'label removed' }]);
  expect(stops(first.spec.attemptId)).toEqual([]);
});

test('with too little disk space it asks for nothing, and gives back what it is offered all the same', async () => {
  freeDiskBytes = GIB / 2;
  const attempt = coordinator.offer(aJobSpec());
  run({ capacity: 1 });
  await until('it polls', () => coordinator.polls.length > 0);
  expect(coordinator.polls[0]).toMatchObject({ freeSlots: 0, freeDiskBytes });
  expect(attempt.state).toBe('offered');
});

test('a paused runner stays connected and finishes what it has, but takes nothing until it is resumed', async () => {
  coordinator.offer(aJobSpec());
  run({ capacity: 2 });
  await until('it runs', () => started.length === 1);

  paused = true;
  loop.reconsider();
  await until('it says so', () => coordinator.polls.at(-1)?.freeSlots === 0);
  const next = coordinator.offer(aJobSpec());
  started[0]?.end();
  await until('it polls again', () => coordinator.polls.at(-1)?.attempts.length === 0);
  expect(started).toHaveLength(1);
  expect(next.state).toBe('offered');
  expect(coordinator.polls.at(-1)).toMatchObject({ freeSlots: 0, draining: false });

  paused = false;
  loop.reconsider();
  await until('it takes work', () => started.length === 2);
});

describe('draining', () => {
  test('an idle runner leaves at once, and has said so', async () => {
    run({ capacity: 1 });
    await until('it polls', () => coordinator.polls.length > 0);

    loop.drain();

    expect(await ended).toMatchObject({ kind: 'drained' });
    expect(coordinator.polls.at(-1)).toMatchObject({ draining: true, waitSeconds: 0, freeSlots: 0 });
  });

  test('what runs is finished, and nothing new is taken', async () => {
    coordinator.offer(aJobSpec());
    run({ capacity: 2 });
    await until('it runs', () => started.length === 1);

    loop.drain();
    await until('it says so', () => coordinator.polls.at(-1)?.draining === true);
    const next = coordinator.offer(aJobSpec());
    started[0]?.end();

    expect(await ended).toMatchObject({ kind: 'drained' });
    expect(started).toHaveLength(1);
    expect(started[0]?.stops).toEqual([]);
    expect(next.state).toBe('offered');
  });

  test('an operator can ask for it, and polls don’t spin meanwhile', async () => {
    coordinator.offer(aJobSpec());
    run({ capacity: 2 });
    await until('it runs', () => started.length === 1);

    coordinator.drain();
    await until('it says so', () => coordinator.polls.at(-1)?.draining === true);
    const before = coordinator.polls.length;
    await systemClock.sleep(300);

    expect(coordinator.polls.length - before).toBeLessThan(3);
    started[0]?.end();
    expect(await ended).toMatchObject({ kind: 'drained' });
  });

  test('by force stops what runs, and waits until it is gone', async () => {
    coordinator.offer(aJobSpec());
    run({ capacity: 1 });
    await until('it runs', () => started.length === 1);

    loop.stopAll({ kind: 'shutdown', reason: 'The machine goes down.' });

    expect(started[0]?.stops).toEqual([{ kind: 'shutdown', reason: 'The machine goes down.' }]);
    started[0]?.end();
    expect(await ended).toMatchObject({ kind: 'drained' });
  });
});

describe('with one job to take', () => {
  test('it takes one, promises nothing more, and leaves with how that ended', async () => {
    for (let index = 0; index < 2; index += 1) coordinator.offer(aJobSpec());
    run({ capacity: 2, once: { idleMs: null } });
    await until('it has one', () => started.length === 1);
    await until('it promises nothing', () => coordinator.polls.at(-1)?.freeSlots === 0);

    started[0]?.end();

    expect(await ended).toEqual({ kind: 'drained', last: { kind: 'ended', outcome: 'pull_request' } });
    expect(started).toHaveLength(1);
    expect(coordinator.polls[0]?.freeSlots).toBe(1);
  });

  test('what was given back is not the one', async () => {
    coordinator.offer(aJobSpec());
    run({ capacity: 1, once: { idleMs: null } });
    await until('it has one', () => started.length === 1);

    started[0]?.end({ kind: 'given_back' });
    coordinator.offer(aJobSpec());
    await until('it has the next', () => started.length === 2);
    started[1]?.end();

    expect(await ended).toMatchObject({ last: { kind: 'ended' } });
  });

  test('it leaves when none comes in time', async () => {
    run({ capacity: 1, once: { idleMs: 50 } });

    expect(await ended).toEqual({ kind: 'drained', last: null });
  });
});

test.each(['superseded', 'revoked', 'protocol_unsupported'] as const)(
  'a runner that is %s drops everything and ends for good',
  async (code) => {
    coordinator.offer(aJobSpec());
    run({ capacity: 1 });
    await until('it runs', () => started.length === 1);

    coordinator.fail('poll', code);
    coordinator.setConnected(false);
    coordinator.setConnected(true);
    await until('it was stopped', () => (started[0]?.stops.length ?? 0) > 0);
    started[0]?.end();

    expect(await ended).toMatchObject({ kind: 'fatal', cause: code });
    expect(started[0]?.stops).toEqual([expect.objectContaining({ kind: 'lost' })]);
  },
);

test('a refused poll is no reason to end', async () => {
  coordinator.fail('poll', 'invalid_request');
  run({ capacity: 1 });

  await until('it polls again', () => coordinator.polls.length > 0);
});

function run({ capacity, once }: { capacity: number; once?: { idleMs: number | null } }): void {
  const shared = { clock: systemClock, random: systemRandom, log: createTestLogger() };
  loop = createWorkLoop({
    ...shared,
    transport: createCoordinatorTransport({
      ...shared,
      url: coordinator.url,
      key: () => aRunnerKey(coordinator.url),
      facts: () => someRunnerFacts({ capacity }),
      fetch,
      backoff: { baseMs: 5, maxMs: 20 },
    }),
    capacity: () => capacity,
    isPaused: () => paused,
    once,
    freeDiskBytes: async () => freeDiskBytes,
    startAttempt: ({ spec }) => {
      const { promise, resolve } = Promise.withResolvers<AttemptEnd>();
      const stops: AttemptStop[] = [];
      const attempt: IdleAttempt = {
        attemptId: spec.attemptId,
        jobId: spec.jobId,
        specialty: spec.specialty,
        about: { repository: 'acme/widgets', issue: 7, agent: 'house', startedAtMs: 0 },
        phase: () => 'prepare',
        stop: (why) => void stops.push(why),
        ended: promise,
        stops,
        end: (how = { kind: 'ended', outcome: 'pull_request' }) => resolve(how),
      };
      started.push(attempt);
      return attempt;
    },
  });
  ended = loop.run();
}
