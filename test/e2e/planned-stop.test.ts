import path from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createEmbeddedStore } from '../../src/store/embedded.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { startYard } from '../support/yard.ts';

test('a planned stop leaves runners that are at work a lease that outlives a restart', async () => {
  await using yard = await startYard({ runners: { 'backend-pc': 'backend' } });
  const issue = await yard.ask('Please hang', 'agent:backend');
  const { job } = await yard.jobIn(issue, 'running');

  await yard.stopCoordinator();

  const folder = path.join(yard.folder, 'data');
  const store = await createEmbeddedStore({ folder, clock: systemClock, log: createTestLogger() });
  const [kept] = await store.jobs.list({ states: ['running'], limit: 1 });
  const leftMs = (kept?.deadlineAtMs ?? 0) - (await store.nowMs());
  await store.close();
  expect(kept?.id).toBe(job.id);
  expect(leftMs / 1000).toBeGreaterThan(800);
});
