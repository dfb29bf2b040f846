import { expect, test } from 'vitest';
import { createCoordinatorMetrics } from '../src/coordinator-metrics.ts';
import { DEFAULT_TIMINGS } from '../src/domain/timings.ts';
import { openTestStore } from './support/embedded-store.ts';
import { createFakeClock } from './support/fake-clock.ts';
import { NOON_MS } from './support/job-builders.ts';
import { aDelivery, aStoredJob, aStoredRunner } from './support/store-builders.ts';

test('tells what is stored, also what there is none of, and nobody’s name', async () => {
  const clock = createFakeClock(NOON_MS);
  await using opened = await openTestStore(clock);
  const { store } = opened;
  await store.jobs.insert(aStoredJob());
  await store.runners.insert(aStoredRunner({ name: 'secret-project', quarantinedUntilMs: NOON_MS + 1000 }));
  await store.runners.insert(aStoredRunner({ name: 'gone', lastSeenAtMs: 0 }));
  await store.putDelivery(aDelivery());
  const claim = await store.claimDelivery();
  if (!claim) throw new Error('nothing to claim');
  await store.failDelivery(claim, 'no luck', null);
  const metrics = createCoordinatorMetrics({
    store,
    listRunners: () => store.runners.views(clock.nowMs(), DEFAULT_TIMINGS.runnerGoneSeconds * 1000),
  });

  const { type, body } = await metrics.render();

  expect(type).toContain('text/plain');
  for (const line of [
    'yardmaster_jobs{state="queued"} 1',
    'yardmaster_jobs{state="running"} 0',
    'yardmaster_deliveries{state="dead"} 1',
    'yardmaster_effects{state="dead"} 0',
    'yardmaster_runners{state="online"} 1',
    'yardmaster_runners{state="gone"} 1',
    'yardmaster_runners_quarantined 1',
    'yardmaster_runner_slots 2',
    'yardmaster_runner_slots_taken 0',
  ]) {
    expect(body.split('\n')).toContain(line);
  }
  expect(body).not.toContain('secret-project');
  expect(body).not.toContain('widgets');
});
