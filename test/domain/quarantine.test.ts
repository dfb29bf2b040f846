import { expect, test } from 'vitest';
import type { Outcome } from '../../src/contract/job.ts';
import { judgeRunner } from '../../src/domain/quarantine.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { NOON_MS } from '../support/job-builders.ts';

const NOW = { nowMs: NOON_MS, timings: DEFAULT_TIMINGS };

test.each([
  [0, 10],
  [1, 20],
  [2, 40],
  [8, 2560],
  [9, 3600],
  [500, 3600],
])('after %i fast failures before, one more means %i s without offers', (failures, seconds) => {
  const health = judgeRunner(
    { failures },
    { outcome: 'lost', acceptedAtMs: NOON_MS - 1000, reason: 'it broke.' },
    NOW,
  );

  expect(health).toEqual({
    failures: failures + 1,
    quarantinedUntilMs: NOON_MS + seconds * 1000,
    quarantineReason: expect.stringContaining('failed at once: it broke.'),
  });
});

test.each<Outcome>(['pull_request', 'tests_failed', 'no_changes', 'policy_refused'])(
  '%s needs a machine that works, so it ends the quarantine',
  (outcome) => {
    expect(judgeRunner({ failures: 4 }, { outcome, acceptedAtMs: NOON_MS - 1000, reason: '' }, NOW)).toEqual({
      failures: 0,
      quarantinedUntilMs: null,
      quarantineReason: null,
    });
  },
);

test.each<[Outcome, number, string]>([
  ['cancelled', 1, 'somebody else ended it'],
  ['timed_out', 1, 'somebody else ended it'],
  ['agent_failed', 61, 'it was not fast'],
  ['lost', 255, 'it was not fast'],
])('%s after %i s says nothing of the machine: %s', (outcome, seconds) => {
  expect(
    judgeRunner({ failures: 4 }, { outcome, acceptedAtMs: NOON_MS - seconds * 1000, reason: '' }, NOW),
  ).toBeNull();
});
