import type { Clock } from '../lib/clock.ts';
import { GitHubError } from './github-error.ts';
import type { SharedLimits } from './shared-limits.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Counts the writes of each key over the last hour. */
export type WriteBudget = {
  /** Takes one write; throws `GitHubError` `rate_limited`, with how long to wait, when the hour's are used up. */
  take(key: string): Promise<void>;
};

/**
 * At most `perHour` writes of a key in any hour. GitHub lets an App make 500 an hour that create content, and punishes who goes on: better
 * to stop well before. Without `shared`, the times of an hour's writes are kept in memory, and after a restart it counts anew.
 */
export function createWriteBudget(deps: {
  perHour: number;
  clock: Pick<Clock, 'monotonicMs'>;
  /** With other coordinators. */
  shared?: SharedLimits | undefined;
}): WriteBudget {
  const { perHour, clock, shared } = deps;
  const timesMs = new Map<string, number[]>();

  function usedUp(retryAfterMs: number): GitHubError {
    return new GitHubError('rate_limited', `${perHour} writes an hour are used up; they go on later`, {
      retryAfterMs,
    });
  }

  return {
    async take(key) {
      const sharedMs = (await shared?.takeOfHour(key, perHour)) ?? null;
      if (sharedMs !== null && sharedMs > 0) throw usedUp(sharedMs);
      if (sharedMs !== null) return;
      const nowMs = clock.monotonicMs();
      const recent = (timesMs.get(key) ?? []).filter((ms) => nowMs - ms < HOUR_MS);
      timesMs.set(key, recent);
      const [oldest] = recent;
      if (oldest !== undefined && recent.length >= perHour) {
        throw usedUp(oldest + HOUR_MS - nowMs);
      }
      recent.push(nowMs);
    },
  };
}
