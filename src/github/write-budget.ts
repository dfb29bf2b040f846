import type { Clock } from '../lib/clock.ts';
import { GitHubError } from './github-error.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Counts the writes of each key over the last hour. */
export type WriteBudget = {
  /** Takes one write; throws `GitHubError` `rate_limited`, with how long to wait, when the hour's are used up. */
  take(key: string): void;
};

/**
 * At most `perHour` writes of a key in any hour. GitHub lets an App make 500 an hour that create content, and punishes who goes on: better
 * to stop well before. Of an hour's writes only their times are kept, in memory: after a restart it counts anew.
 */
export function createWriteBudget(deps: { perHour: number; clock: Pick<Clock, 'monotonicMs'> }): WriteBudget {
  const { perHour, clock } = deps;
  const timesMs = new Map<string, number[]>();

  return {
    take(key) {
      const nowMs = clock.monotonicMs();
      const recent = (timesMs.get(key) ?? []).filter((ms) => nowMs - ms < HOUR_MS);
      timesMs.set(key, recent);
      const [oldest] = recent;
      if (oldest !== undefined && recent.length >= perHour) {
        throw new GitHubError('rate_limited', `${perHour} writes an hour are used up; they go on later`, {
          retryAfterMs: oldest + HOUR_MS - nowMs,
        });
      }
      recent.push(nowMs);
    },
  };
}
