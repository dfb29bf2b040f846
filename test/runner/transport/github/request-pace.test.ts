import { expect, test } from 'vitest';
import { toPauseMs } from '../../../../src/runner/transport/github/request-pace.ts';

const look = { baseMs: 30_000, requests: 3, budget: { limit: 5000, remaining: 4000 }, chance: 0 };

test.each([
  ['half a minute', look, 30_000],
  ['up to half of it more, so that runners don’t look together', { ...look, chance: 1 }, 45_000],
  ['the same as long as nothing is known of the budget', { ...look, budget: null }, 30_000],
  ['the same at a fifth of the budget', { ...look, budget: { limit: 5000, remaining: 1000 } }, 30_000],
  ['longer at a tenth', { ...look, budget: { limit: 5000, remaining: 500 } }, 75_000],
  ['four times as long with nothing left', { ...look, budget: { limit: 5000, remaining: 0 } }, 120_000],
  ['as long as it takes not to hammer, with many repositories', { ...look, requests: 200 }, 100_000],
])('it waits %s', (_name, given, expected) => {
  expect(toPauseMs(given)).toBe(expected);
});
