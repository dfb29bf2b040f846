import { expect, test } from 'vitest';
import { createWriteBudget } from '../src/github/write-budget.ts';
import { createWriteSpacing } from '../src/github/write-spacing.ts';
import { systemClock } from '../src/lib/clock.ts';
import { createStoredLimits } from '../src/stored-limits.ts';
import { openTestStore } from './support/embedded-store.ts';

test('the hour’s writes and their distance outlast a restart', async () => {
  await using opened = await openTestStore();
  const { store } = opened;
  const limitsOf = () => {
    const shared = createStoredLimits(store);
    return {
      budget: createWriteBudget({ perHour: 2, clock: systemClock, shared }),
      spacing: createWriteSpacing({
        spacingMs: 300,
        clock: systemClock,
        shared: { limits: shared, name: 'write' },
      }),
    };
  };
  const before = limitsOf();
  await before.budget.take('7');
  await before.spacing.key('7').schedule({}, async () => undefined);
  await before.budget.take('7');

  const after = limitsOf();
  const startedMs = performance.now();
  await after.spacing.key('7').schedule({}, async () => undefined);

  expect(performance.now() - startedMs).toBeGreaterThan(100);
  await expect(after.budget.take('7')).rejects.toMatchObject({ kind: 'rate_limited' });
  await after.budget.take('8');
});

test('while the store is away nothing is written, and it is no fault of the write', async () => {
  await using opened = await openTestStore();
  const { store } = opened;
  const budget = createWriteBudget({ perHour: 2, clock: systemClock, shared: createStoredLimits(store) });
  await store.close();

  await expect(budget.take('7')).rejects.toMatchObject({
    name: 'GitHubError',
    kind: 'unavailable',
    message: expect.stringMatching(/^The store could not be asked/),
  });
});
