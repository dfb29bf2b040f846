import type { Clock } from '../lib/clock.ts';
import type { Store } from '../store/store.ts';
import type { WakeTopic } from '../store/wakes.ts';

/** Someone who waits for commits that concern them. */
export type Waiter = {
  /**
   * Resolves at the first wake-up since the last call (also one that came in between), after `timeoutMs`, or when the signal aborts.
   * Never rejects.
   */
  next(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  /** As if there had been a wake-up. */
  poke(): void;
  /** Hears of nothing any more. */
  stop(): void;
};

/** Listen first, then look, then wait: so no change slips through between look and wait. */
export function listen(
  deps: { store: Pick<Store, 'subscribe'>; clock: Pick<Clock, 'sleep'> },
  topics: readonly WakeTopic[],
): Waiter {
  const concerned = new Set<WakeTopic>(topics);
  let pending = false;
  let resume: (() => void) | null = null;

  function poke(): void {
    pending = true;
    resume?.();
  }

  const unsubscribe = deps.store.subscribe((topic) => {
    if (topic === 'all' || concerned.has(topic)) poke();
  });

  return {
    async next(timeoutMs, signal) {
      if (!pending && !signal?.aborted) await sleepUntilPoked(timeoutMs, signal);
      pending = false;
    },
    poke,
    stop: unsubscribe,
  };

  async function sleepUntilPoked(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const woken = new AbortController();
    resume = () => woken.abort();
    const either = signal ? AbortSignal.any([woken.signal, signal]) : woken.signal;
    try {
      await deps.clock.sleep(Math.max(0, timeoutMs), either);
    } catch {
      // Woken or told to stop: both end the wait, and the caller looks which it was.
    } finally {
      resume = null;
    }
  }
}
