import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/contract/attempt-result.ts';
import type { JobId } from '../../src/contract/identifiers.ts';
import { type EndedWork, judgeRunner, type RunnerHealth } from '../../src/domain/quarantine.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { NOON_MS } from '../support/job-builders.ts';

const NOW = { nowMs: NOON_MS, timings: DEFAULT_TIMINGS };

const jobs = (count: number): JobId[] => Array.from({ length: count }, (_, index) => `job-${index}` as JobId);

/** After `failures` jobs in a row that failed fast, `job-0` and those after it. */
function aHealth(failures: number, overrides: Partial<Parameters<typeof judgeRunner>[0]> = {}) {
  const sound = { quarantinedUntilMs: null, quarantineReason: null, takeovers: 0, takeoversSinceMs: 0 };
  return { failures, failedJobs: jobs(failures).slice(-20), ...sound, ...overrides };
}

/** Of another job, one second after it was accepted. */
function anEnd(overrides: Partial<EndedWork> = {}): EndedWork {
  return {
    jobId: 'job-new' as JobId,
    outcome: 'agent_failed',
    acceptedAtMs: NOON_MS - 1000,
    lastHeardAtMs: NOON_MS,
    reason: 'it broke.',
    ...overrides,
  };
}

describe('one more job that fails fast', () => {
  test.each([
    [0, null],
    [1, null],
    [2, 10],
    [3, 20],
    [4, 40],
    [10, 2560],
    [11, 3600],
    [500, 3600],
  ])('after %i others in a row means %s s without offers', (failures, seconds) => {
    const health = judgeRunner(aHealth(failures), anEnd(), NOW);

    expect(health).toEqual({
      failures: failures + 1,
      failedJobs: [...jobs(failures), 'job-new'].slice(-20),
      quarantinedUntilMs: seconds === null ? null : NOON_MS + seconds * 1000,
      quarantineReason: seconds === null ? null : `its last ${failures + 1} jobs failed at once: it broke.`,
    });
  });

  test.each<[string, Partial<EndedWork>, boolean]>([
    ['its agent failed within a minute', { lastHeardAtMs: NOON_MS + 59_000 }, true],
    ['its agent failed later', { lastHeardAtMs: NOON_MS + 61_000 }, false],
    ['it vanished as soon as it had the job', { outcome: 'lost', lastHeardAtMs: NOON_MS - 1000 }, true],
    ['it vanished after some work', { outcome: 'lost', lastHeardAtMs: NOON_MS + 61_000 }, false],
    ['the job has failed on it before', { jobId: 'job-0' as JobId }, false],
    ['that job vanished with it now', { jobId: 'job-1' as JobId, outcome: 'lost' }, false],
    ['somebody cancelled it', { outcome: 'cancelled' }, false],
    ['its time was over', { outcome: 'timed_out' }, false],
  ])('counts or not: %s', (_, end, counts) => {
    const health = judgeRunner(aHealth(2), anEnd(end), NOW);

    expect(health?.failures ?? 2).toBe(counts ? 3 : 2);
  });

  test('does not end a quarantine that it is too early to begin', () => {
    const quarantine = { quarantinedUntilMs: NOON_MS + 5000, quarantineReason: 'for another reason' };

    expect(judgeRunner(aHealth(0, quarantine), anEnd(), NOW)).toMatchObject({ failures: 1, ...quarantine });
  });

  test('is not taken for a repeat because of a list that an older version left', () => {
    const health = aHealth(0, { failedJobs: jobs(3) });

    expect(judgeRunner(health, anEnd({ jobId: 'job-0' as JobId }), NOW)).toMatchObject({
      failures: 1,
      failedJobs: ['job-0'],
    });
  });
});

test.each<Outcome>(['pull_request', 'tests_failed', 'no_changes', 'policy_refused'])(
  '%s needs a machine that works, so it ends the quarantine',
  (outcome) => {
    const health: RunnerHealth | null = judgeRunner(aHealth(4), anEnd({ outcome }), NOW);

    expect(health).toEqual({ failures: 0, failedJobs: [], quarantinedUntilMs: null, quarantineReason: null });
  },
);

describe('an identity that several processes take from each other', () => {
  test.each<[string, number, number, boolean]>([
    ['one takeover, which may be a restart', 1, 10, true],
    ['two, just now', 2, 10, false],
    ['two, a while ago', 2, 301, true],
    ['so many that it is quarantined for it', 4, 301, false],
    ['as many, after that quarantine', 4, 901, true],
  ])('%s', (_, takeovers, agoSeconds, isJudged) => {
    const shared = aHealth(2, { takeovers, takeoversSinceMs: NOON_MS - agoSeconds * 1000 });

    expect(judgeRunner(shared, anEnd(), NOW) !== null, 'a failure').toBe(isJudged);
    expect(judgeRunner(shared, anEnd({ outcome: 'pull_request' }), NOW) !== null, 'a success').toBe(isJudged);
  });
});
