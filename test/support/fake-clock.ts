import type { Clock } from '../../src/lib/clock.ts';

/** A clock that stands still until it is turned; sleepers wake when their time has come. */
export type FakeClock = Clock & {
  /** Turns both clocks forward. Who sleeps until then is woken, earliest first. */
  advance(seconds: number): void;
};

export function createFakeClock(startMs = Date.UTC(2026, 4, 4, 12)): FakeClock {
  let passedMs = 0;
  const sleepers = new Set<{ untilMs: number; wake: () => void }>();

  return {
    nowMs: () => startMs + passedMs,
    monotonicMs: () => passedMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { untilMs: passedMs + ms, wake };
        function wake(): void {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', abort);
          resolve();
        }
        function abort(): void {
          sleepers.delete(sleeper);
          reject(signal?.reason as Error);
        }
        if (signal?.aborted) return abort();
        signal?.addEventListener('abort', abort, { once: true });
        sleepers.add(sleeper);
      }),
    advance(seconds) {
      passedMs += seconds * 1000;
      const due = [...sleepers].filter(({ untilMs }) => untilMs <= passedMs);
      for (const { wake } of due.sort((a, b) => a.untilMs - b.untilMs)) wake();
    },
  };
}
