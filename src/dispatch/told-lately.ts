import type { Clock } from '../lib/clock.ts';

export type ToldLately = {
  /** The first `limit` of `items` that were not told lately; they count as told from now on. */
  takeNew<T>(items: readonly T[], limit: number, toKey: (item: T) => string): T[];
};

/**
 * Keeps a runner that is busy obeying from being told the same at once again, poll after poll. If the answer was lost, it is told
 * again after `againAfterMs`. Only a matter of manners, so it may be kept in memory.
 */
export function createToldLately(clock: Pick<Clock, 'monotonicMs'>, againAfterMs: number): ToldLately {
  const toldAtMs = new Map<string, number>();

  function forgetOld(nowMs: number): void {
    // The oldest come first: an entry is only ever added at the end.
    for (const [key, atMs] of toldAtMs) {
      if (nowMs - atMs < againAfterMs) return;
      toldAtMs.delete(key);
    }
  }

  return {
    takeNew(items, limit, toKey) {
      const nowMs = clock.monotonicMs();
      forgetOld(nowMs);
      const taken = items.filter((item) => !toldAtMs.has(toKey(item))).slice(0, limit);
      for (const item of taken) toldAtMs.set(toKey(item), nowMs);
      return taken;
    },
  };
}
