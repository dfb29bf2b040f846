import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HeartbeatResponse } from '../../src/contract/runner-api.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { AttemptStop } from '../../src/runner/attempt-stop.ts';
import { createHeartbeat, type Heartbeat } from '../../src/runner/heartbeat.ts';
import { TransportError } from '../../src/runner/transport/transport-error.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';

/** A coordinator at the other end of the channel: answers, stays silent, or refuses. */
type Behaviour = Partial<HeartbeatResponse> | 'silent' | TransportError;

let over: AbortController;
let behaviour: Behaviour;
let beats: number[];
let stops: AttemptStop[];
let drains: number;
let answered: number;
let running: Promise<void>;

beforeEach(() => {
  over = new AbortController();
  behaviour = {};
  beats = [];
  stops = [];
  drains = 0;
  answered = 0;
});
afterEach(async () => {
  over.abort(new Error('the test is over'));
  await running;
});

test('goes on at the pace that the answers name, and renews the lease each time', async () => {
  const heartbeat = start({ leaseSeconds: 0.4 });

  await heartbeat.first(over.signal);
  await until('there were many beats', () => beats.length > 12);

  // By now several times the first lease is over.
  expect((beats.at(-1) ?? 0) - (beats[0] ?? 0)).toBeGreaterThan(400);
  expect(stops).toEqual([]);
});

test('a change that cannot wait is told at once, not at the next beat', async () => {
  const heartbeat = start({ heartbeatSeconds: 30 });
  await heartbeat.first(over.signal);

  heartbeat.hurry();

  await until('the second beat is there', () => beats.length === 2, 5000);
});

test('nothing starts before a heartbeat was answered', async () => {
  behaviour = 'silent';
  let isFirst = false;

  const heartbeat = start({ leaseSeconds: 5 });
  const first = heartbeat.first(over.signal).then(() => (isFirst = true));
  await until('one was tried', () => beats.length > 0);
  expect(isFirst).toBe(false);
  behaviour = {};

  await until('one was answered', () => isFirst, 8000);
  await first;
});

test('without an answer it ends the attempt before the lease is over', async () => {
  const started = systemClock.monotonicMs();
  start({ leaseSeconds: 0.6, leaseSafetySeconds: 0.2 });
  await until('a beat was answered', () => beats.length > 0);
  const lastAnsweredMs = beats.at(-1) ?? 0;
  behaviour = 'silent';

  await until('it gave up', () => stops.length > 0);

  const now = systemClock.monotonicMs();
  expect(stops).toEqual([expect.objectContaining({ kind: 'lapsed' })]);
  // A beat or two more may have been answered before the silence.
  expect(now - lastAnsweredMs).toBeLessThan(600);
  expect(now - started).toBeGreaterThan(390);
});

test('the safety never takes more than half of a short lease', async () => {
  start({ leaseSeconds: 0.4, leaseSafetySeconds: 30 });

  await until('there were many beats', () => beats.length > 5);

  expect(stops).toEqual([]);
});

test('a lease that gets shorter is followed at once', async () => {
  const clock = createFakeClock();
  behaviour = { leaseSeconds: 900 };
  const heartbeat = start({ heartbeatSeconds: 15, leaseSafetySeconds: 30 }, clock);
  await heartbeat.first(over.signal);
  // Past the end of the lease that came with the acceptance, so that the long one is being watched.
  for (let waitedSeconds = 0; waitedSeconds <= 60; waitedSeconds += 5) await pass(clock, 5);
  const beatsBefore = answered;
  behaviour = { leaseSeconds: 240 };
  await pass(clock, 20);
  expect(answered).toBe(beatsBefore + 1);

  behaviour = new TransportError('unavailable', 'no answer');
  for (let waitedSeconds = 0; waitedSeconds < 205; waitedSeconds += 5) await pass(clock, 5);
  expect(stops).toEqual([]);
  await pass(clock, 10);

  expect(stops).toEqual([expect.objectContaining({ kind: 'lapsed' })]);
});

test.each([
  [
    { action: 'cancel', reason: 'label removed' },
    { kind: 'cancelled', reason: 'label removed' },
  ],
  [
    { action: 'superseded', reason: 'lease lapsed' },
    { kind: 'lost', reason: 'lease lapsed' },
  ],
  [new TransportError('stale_attempt', 'not yours'), { kind: 'lost', reason: 'not yours' }],
  [new TransportError('revoked', 'go away'), { kind: 'lost', reason: 'go away' }],
] as const)('%o ends the attempt, once', async (answer, stop) => {
  behaviour = answer;

  start({});
  await until('there were several beats', () => beats.length > 2);

  expect(stops).toEqual([stop]);
});

test('a drain is passed on, and the work goes on', async () => {
  behaviour = { action: 'drain' };

  const heartbeat = start({});
  await heartbeat.first(over.signal);

  await until('it was told', () => drains > 0);
  expect(stops).toEqual([]);
});

test('after the machine slept, publishing waits for a renewed lease', async () => {
  let sleptMs = 0;
  const clock: Clock = { ...systemClock, nowMs: () => Date.now() + sleptMs };
  const heartbeat = start({ heartbeatSeconds: 60 }, clock);
  await heartbeat.first(over.signal);
  const before = beats.length;

  await heartbeat.confirm(over.signal);
  expect(beats.length).toBe(before);
  sleptMs = 3_600_000;
  await heartbeat.confirm(over.signal);

  expect(beats.length).toBe(before + 1);
});

test('after the process was stopped, publishing waits for a renewed lease', async () => {
  let stoodStillMs = 0;
  const clock: Clock = {
    ...systemClock,
    nowMs: () => Date.now() + stoodStillMs,
    monotonicMs: () => systemClock.monotonicMs() + stoodStillMs,
  };
  const heartbeat = start({ heartbeatSeconds: 60, leaseSeconds: 600 }, clock);
  await heartbeat.first(over.signal);
  const before = beats.length;

  stoodStillMs = 20_000;
  await heartbeat.confirm(over.signal);

  expect(beats.length).toBe(before + 1);
  expect(stops).toEqual([]);
});

test('after the process was stopped for longer than the lease, nothing is published at all', async () => {
  let stoodStillMs = 0;
  const clock: Clock = {
    ...systemClock,
    nowMs: () => Date.now() + stoodStillMs,
    monotonicMs: () => systemClock.monotonicMs() + stoodStillMs,
  };
  const heartbeat = start({ heartbeatSeconds: 60, leaseSeconds: 240 }, clock);
  await heartbeat.first(over.signal);
  const before = beats.length;

  stoodStillMs = 300_000;

  await expect(heartbeat.confirm(over.signal)).rejects.toThrow('the lease may be over');
  expect(beats.length).toBe(before);
  expect(stops).toEqual([expect.objectContaining({ kind: 'lapsed' })]);
});

test('a machine that woke up renews the lease at once, not when its timer is due', async () => {
  let sleptMs = 0;
  const clock: Clock = { ...systemClock, nowMs: () => Date.now() + sleptMs };
  const heartbeat = start({ heartbeatSeconds: 60 }, clock);
  await heartbeat.first(over.signal);

  sleptMs = 100_000;

  await until('the next beat is there', () => beats.length === 2);
});

test('after the machine slept, an attempt that is gone is not published', async () => {
  let sleptMs = 0;
  const clock: Clock = { ...systemClock, nowMs: () => Date.now() + sleptMs };
  const heartbeat = start({ heartbeatSeconds: 60 }, clock);
  await heartbeat.first(over.signal);
  sleptMs = 3_600_000;
  behaviour = new TransportError('stale_attempt', 'not yours');

  await expect(heartbeat.confirm(over.signal)).rejects.toThrow('lost');
});

/** Turns the clock, and lets those who woke up go on. */
async function pass(clock: FakeClock, seconds: number): Promise<void> {
  clock.advance(seconds);
  await setImmediate();
}

function start(
  figures: { leaseSeconds?: number; heartbeatSeconds?: number; leaseSafetySeconds?: number },
  clock: Clock = systemClock,
): Heartbeat {
  const { leaseSeconds = 60, heartbeatSeconds = 0.05, leaseSafetySeconds = 0.05 } = figures;
  const answer: HeartbeatResponse = { action: 'continue', reason: null, leaseSeconds, heartbeatSeconds };
  const heartbeat = createHeartbeat({
    channel: {
      heartbeat: async (news, signal) => {
        expect(news).toEqual({ phase: 'agent' });
        const now = behaviour;
        beats.push(clock.monotonicMs());
        if (now instanceof TransportError) throw now;
        if (now === 'silent') {
          await systemClock.sleep(100, signal);
          throw new TransportError('unavailable', 'no answer in time');
        }
        return { ...answer, ...now };
      },
    },
    claim: { leaseSeconds, heartbeatSeconds, sentAtMs: clock.monotonicMs() },
    leaseSafetySeconds,
    news: () => ({ phase: 'agent' }),
    clock,
    random: { bytes: (size) => new Uint8Array(size), fraction: () => 0.5 },
    log: createTestLogger(),
    onStop: (stop) => {
      stops.push(stop);
      if (stop.kind === 'lost' && figures.heartbeatSeconds === 60) over.abort(new Error(stop.kind));
    },
    onDrain: () => (drains += 1),
    onBeat: () => (answered += 1),
  });
  running = heartbeat.run(over.signal);
  return heartbeat;
}
