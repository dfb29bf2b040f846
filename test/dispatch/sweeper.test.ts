import { expect, test } from 'vitest';
import { createSweeper } from '../../src/dispatch/sweeper.ts';
import { DEFAULT_TIMINGS as TIMINGS } from '../../src/domain/timings.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createUuidV7 } from '../../src/lib/uuid-v7.ts';
import type { Store } from '../../src/store/store.ts';
import { openDispatchWorld } from '../support/dispatch-world.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';

test('one that starts again and again beside others keeps no lost lease alive', async () => {
  await using world = await openDispatchWorld();
  const jobId = await world.label();
  await world.sweeper.forgiveOutage();
  await world.take(await world.enrol());

  const halfMinutes = Math.ceil((TIMINGS.leaseSeconds + TIMINGS.leaseGraceSeconds) / 30) + 1;
  for (let count = 0; count < halfMinutes; count += 1) {
    world.clock.advance(30);
    await world.sweeper.forgiveOutage();
    await world.sweeper.sweep();
  }

  expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'queued', attemptNumber: 2 });
});

test('while it runs, it forgives nothing: however rarely a runner reports, its lost lease lapses', async () => {
  await using world = await openDispatchWorld();
  const { store, clock } = world;
  const jobId = await world.label();
  const lines: Record<string, unknown>[] = [];
  let rounds = 0;
  await using sweeper = createSweeper({
    ...world,
    store: { ...store, requeueLapsedTasks: () => ((rounds += 1), store.requeueLapsedTasks()) },
    newId: createUuidV7({ clock, random: systemRandom }),
    random: systemRandom,
    timings: { ...TIMINGS, heartbeatSeconds: TIMINGS.leaseSeconds / 4 },
    log: createTestLogger(lines),
  });
  sweeper.start();
  await until('its first round is over', () => rounds === 1);
  await world.take(await world.enrol());

  const lapsedSeconds = TIMINGS.leaseSeconds + TIMINGS.leaseGraceSeconds;
  for (let seconds = 0; seconds <= lapsedSeconds; seconds += TIMINGS.sweepSeconds) {
    const before = rounds;
    clock.advance(TIMINGS.sweepSeconds);
    await until('a round is over', () => rounds > before);
  }

  expect(lines.filter(({ msg }) => String(msg).includes('Leases are not judged'))).toEqual([]);
  expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'queued', attemptNumber: 2 });
});

test('after an outage of the store alone, no lease is judged before its runner had time to come back', async () => {
  await using world = await openDispatchWorld();
  const jobId = await world.label();
  await world.take(await world.enrol());
  const { store, clock } = world;
  let isAway = false;
  const shaky: Store = {
    ...store,
    nowMs: async () => {
      if (isAway) throw new Error('the database is away');
      return store.nowMs();
    },
  };
  const lines: Record<string, unknown>[] = [];
  const said = (text: string): number => lines.filter(({ msg }) => String(msg).includes(text)).length;
  await using sweeper = createSweeper({
    ...world,
    store: shaky,
    newId: createUuidV7({ clock, random: systemRandom }),
    random: systemRandom,
    timings: TIMINGS,
    log: createTestLogger(lines),
  });
  sweeper.start();
  await until('it has forgiven its own absence', () => said('Leases are not judged') === 1);

  isAway = true;
  clock.advance(TIMINGS.returnSeconds + TIMINGS.leaseGraceSeconds + 60);
  await until('a round has failed', () => said('A round of the sweeper failed') > 0);
  isAway = false;
  clock.advance(TIMINGS.sweepSeconds);
  await until('it has forgiven the outage', () => said('Leases are not judged') === 2);
  await sweeper.sweep();

  expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'preparing', attemptNumber: 1 });

  clock.advance(TIMINGS.storeReturnSeconds + TIMINGS.leaseGraceSeconds);
  await sweeper.sweep();

  expect((await world.jobOf(jobId)).job).toMatchObject({ state: 'queued', attemptNumber: 2 });
});
