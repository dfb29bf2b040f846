import type { Clock } from '../lib/clock.ts';
import type { SharedLimits } from './shared-limits.ts';

/** The part of a Bottleneck group that `@octokit/plugin-throttling` uses. */
export type WriteSpacing = {
  key(id: string): {
    schedule<Result>(options: { weight?: number }, task: () => Promise<Result>): Promise<Result>;
  };
};

/**
 * Keeps `spacingMs` between the starts of any two tasks of one key, in the order of their arrival; keys don't wait for
 * each other. A task of weight 0 (a repetition, which has waited already) starts at once.
 *
 * Instead of Bottleneck's own groups, which are shared by everything in the process and have fixed figures.
 */
export function createWriteSpacing(deps: {
  spacingMs: number;
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** With other coordinators, under the name of these tasks. */
  shared?: { limits: SharedLimits; name: string } | undefined;
}): WriteSpacing {
  const { spacingMs, clock, shared } = deps;
  const nextStartsMs = new Map<string, number>();

  return {
    key: (id) => ({
      async schedule({ weight = 1 }, task) {
        if (weight > 0) await waitForTurn(id);
        return task();
      },
    }),
  };

  async function waitForTurn(id: string): Promise<void> {
    if (spacingMs === 0) return;
    const sharedMs = (await shared?.limits.takeStart(`${shared.name}:${id}`, spacingMs)) ?? null;
    if (sharedMs !== null) return sharedMs > 0 ? clock.sleep(sharedMs) : undefined;
    const nowMs = clock.monotonicMs();
    const startMs = Math.max(nowMs, nextStartsMs.get(id) ?? 0);
    nextStartsMs.set(id, startMs + spacingMs);
    forgetPast(nowMs);
    if (startMs > nowMs) await clock.sleep(startMs - nowMs);
  }

  /** A key whose turn has come and gone waits for nothing, so it needs no entry. */
  function forgetPast(nowMs: number): void {
    for (const [id, startMs] of nextStartsMs) if (startMs <= nowMs) nextStartsMs.delete(id);
  }
}
