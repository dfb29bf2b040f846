import { expect, test } from 'vitest';
import { createWriteBudget } from '../../src/github/write-budget.ts';

const HOUR_MS = 3_600_000;

test('a key has so many writes in any hour, and others have their own', () => {
  let nowMs = 0;
  const budget = createWriteBudget({ perHour: 3, clock: { monotonicMs: () => nowMs } });
  for (nowMs of [0, 1000, 2000]) budget.take('a');

  expect(() => budget.take('a')).toThrow(/3 writes an hour are used up/);
  expect(() => budget.take('b')).not.toThrow();
  nowMs = HOUR_MS - 1;
  expect(() => budget.take('a')).toThrow(expect.objectContaining({ kind: 'rate_limited', retryAfterMs: 1 }));
  nowMs = HOUR_MS;
  budget.take('a');
  expect(() => budget.take('a')).toThrow(expect.objectContaining({ retryAfterMs: 1000 }));
});
