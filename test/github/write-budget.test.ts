import { expect, test } from 'vitest';
import { createWriteBudget } from '../../src/github/write-budget.ts';

const HOUR_MS = 3_600_000;

test('a key has so many writes in any hour, and others have their own', async () => {
  let nowMs = 0;
  const budget = createWriteBudget({ perHour: 3, clock: { monotonicMs: () => nowMs } });
  for (nowMs of [0, 1000, 2000]) await budget.take('a');

  await expect(budget.take('a')).rejects.toThrow(/3 writes an hour are used up/);
  await budget.take('b');
  nowMs = HOUR_MS - 1;
  await expect(budget.take('a')).rejects.toMatchObject({ kind: 'rate_limited', retryAfterMs: 1 });
  nowMs = HOUR_MS;
  await budget.take('a');
  await expect(budget.take('a')).rejects.toMatchObject({ retryAfterMs: 1000 });
});
