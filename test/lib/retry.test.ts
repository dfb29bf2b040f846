import { expect, test } from 'vitest';
import { backoffMs } from '../../src/lib/retry.ts';

const almostOne = (): number => 0.999_999;

test.each([
  { attempt: 1, expected: 1000 },
  { attempt: 2, expected: 2000 },
  { attempt: 5, expected: 16_000 },
  { attempt: 6, expected: 30_000 },
  { attempt: 5000, expected: 30_000 },
])('after attempt $attempt it waits at most $expected ms', ({ attempt, expected }) => {
  const waitMs = backoffMs({ attempt, baseMs: 1000, maxMs: 30_000, random: almostOne });

  expect(waitMs).toBeGreaterThan(expected * 0.99);
  expect(waitMs).toBeLessThanOrEqual(expected);
});

test('chance spreads the wait over the whole range', () => {
  const waits = [0, 0.25, 0.5].map((n) =>
    backoffMs({ attempt: 3, baseMs: 100, maxMs: 5000, random: () => n }),
  );

  expect(waits).toEqual([0, 100, 200]);
});
