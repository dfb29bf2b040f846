import { describe, expect, test } from 'vitest';
import { type EndedAttempt, planRetry } from '../../src/domain/retry-policy.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';

const NOW_MS = 1_000_000;

function plan(ended: Partial<EndedAttempt>, random = 0.5) {
  return planRetry(
    { outcome: 'agent_failed', retryable: true, infrastructureRetries: 0, workRetries: 0, ...ended },
    { nowMs: NOW_MS, random, timings: DEFAULT_TIMINGS },
  );
}

describe('planRetry', () => {
  test.each<[name: string, ended: Partial<EndedAttempt>, expected: object]>([
    [
      'a lost runner is replaced at once',
      { outcome: 'lost' },
      { kind: 'retry', budget: 'infrastructure', runAtMs: NOW_MS },
    ],
    ['so is one that was shut down', { outcome: 'cancelled' }, { kind: 'retry', budget: 'infrastructure' }],
    ['the third loss is still made good', { outcome: 'lost', infrastructureRetries: 2 }, { kind: 'retry' }],
    [
      'the fourth is the last',
      { outcome: 'lost', infrastructureRetries: 3 },
      { kind: 'give_up', state: 'dead' },
    ],
    [
      'an agent that may do better gets another try',
      {},
      { kind: 'retry', budget: 'work', runAtMs: NOW_MS + 30_000 },
    ],
    ['the second wait is twice as long', { workRetries: 1 }, { kind: 'retry', runAtMs: NOW_MS + 60_000 }],
    ['a third time it is given up', { workRetries: 2 }, { kind: 'give_up', state: 'failed' }],
    [
      'an agent that will fail again is not asked again',
      { retryable: false },
      { kind: 'give_up', state: 'failed' },
    ],
    ['red tests are a result', { outcome: 'tests_failed' }, { kind: 'give_up', state: 'failed' }],
    ['so is no change', { outcome: 'no_changes' }, { kind: 'give_up', state: 'failed' }],
    ['and a broken rule', { outcome: 'policy_refused' }, { kind: 'give_up', state: 'failed' }],
    ['time that is over stays over', { outcome: 'timed_out' }, { kind: 'give_up', state: 'timed_out' }],
  ])('%s', (_name, ended, expected) => {
    expect(plan(ended)).toMatchObject(expected);
  });

  test('waits differ by half around the middle, so that many do not come back at once', () => {
    expect(plan({}, 0)).toMatchObject({ runAtMs: NOW_MS + 15_000 });
    expect(plan({}, 0.999)).toMatchObject({ runAtMs: expect.closeTo(NOW_MS + 45_000, -2) });
  });

  test('no wait is longer than the longest', () => {
    const long = planRetry(
      { outcome: 'agent_failed', retryable: true, infrastructureRetries: 0, workRetries: 1 },
      { nowMs: 0, random: 0.99, timings: { retryBaseSeconds: 3000, retryMaxSeconds: 1800 } },
    );

    expect(long).toMatchObject({ runAtMs: 1_800_000 });
  });
});
