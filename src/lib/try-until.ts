import type { Clock } from './clock.ts';

/**
 * Does `work` again, `waitMs` after each failure, until it goes through. Throws what it threw last as soon as `isOver` says so, or `signal`
 * has aborted.
 */
export async function tryUntil<T>(
  work: () => Promise<T>,
  options: {
    clock: Pick<Clock, 'sleep'>;
    waitMs: number;
    isOver: () => boolean;
    signal: AbortSignal;
  },
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      if (options.isOver() || options.signal.aborted) throw thrown;
      // Aborted: one last try, since the end of the wait may be the end of everything.
      await options.clock.sleep(options.waitMs, options.signal).catch(() => undefined);
    }
  }
}
