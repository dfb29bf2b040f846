import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { DiskRoom } from './disk-room.ts';
import type { RunningAttempt } from './run-attempt.ts';

/** How long the end of a stopped attempt is waited for, before another one is stopped. */
const END_WAIT_MS = 30_000;

/**
 * Looks at the disk again and again while attempts run, until the signal aborts. Once it is full, attempts are stopped one at a time, until
 * there is room: the one that began last first, since the least is lost with it. Each gives back what its workspace took. Never rejects.
 */
export async function watchDisk(
  options: {
    disk: Pick<DiskRoom, 'toGoOn'>;
    /** What runs now, the oldest first. */
    attempts: () => Pick<RunningAttempt, 'attemptId' | 'stop' | 'ended'>[];
    everyMs: number;
    clock: Clock;
    log: Logger;
  },
  signal: AbortSignal,
): Promise<void> {
  const { disk, clock, log } = options;
  const stopped = new Set<string>();
  while (!signal.aborted) {
    await sleep(options.everyMs);
    try {
      await look();
    } catch (error) {
      log.warn({ err: error }, 'Free disk space can not be read');
    }
  }

  async function look(): Promise<void> {
    if (signal.aborted || options.attempts().length === 0) return;
    const stop = await disk.toGoOn();
    if (stop === null) return;
    // One whose work is published already takes no stop, and is only reporting.
    const attempt = options.attempts().findLast(({ attemptId }) => !stopped.has(attemptId));
    if (attempt === undefined) return;
    stopped.add(attempt.attemptId);
    log.error({ attempt: attempt.attemptId, reason: stop.reason }, 'An attempt is stopped on a full disk');
    attempt.stop(stop);
    await Promise.race([attempt.ended, sleep(END_WAIT_MS)]);
  }

  /** Woken by the signal, which the loop looks at next. */
  async function sleep(ms: number): Promise<void> {
    await clock.sleep(ms, signal).catch(() => undefined);
  }
}
