import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { chooseOverQuota, type DiskQuota, judgeAttemptUse, sumBytes } from './disk-quota.ts';
import type { RunningAttempt } from './run-attempt.ts';
import type { Workspaces } from './workspace/workspace-types.ts';

/** What a look at some hundred thousand files takes is never more than this part of the time. */
const REST_PER_LOOK = 20;

/** What stands below the workspace root, as of the last look. */
export type DiskUse = { bytes: number; atMs: number };

export type QuotaWatch = {
  /** `null` before the first look. */
  use(): DiskUse | null;
  /**
   * Looks again and again, until the signal aborts: ends each attempt that takes more than its part, whichever began last, and gives up what
   * nobody uses, the longest unused first, while all takes more than it may. Never rejects.
   */
  run(signal: AbortSignal): Promise<void>;
};

export function createQuotaWatch(options: {
  workspaces: Pick<Workspaces, 'inventory' | 'discard'>;
  quota: () => DiskQuota;
  attempts: () => Pick<RunningAttempt, 'attemptId' | 'stop'>[];
  everyMs: number;
  clock: Clock;
  log: Logger;
}): QuotaWatch {
  const { workspaces, clock, log } = options;
  let last: DiskUse | null = null;
  /** What was there before is only looked at anew once something ran: nothing else makes it more. */
  let wasBusy = true;

  const stopped = new Set<string>();

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      try {
        const isBusy = options.attempts().length > 0;
        if (isBusy || wasBusy) await look();
        wasBusy = isBusy;
      } catch (error) {
        log.warn({ err: error }, 'What the workspaces take of the disk can not be read');
      }
      const tookMs = clock.monotonicMs() - startedMs;
      // Woken by the signal, which the loop looks at next.
      await clock.sleep(Math.max(options.everyMs, REST_PER_LOOK * tookMs), signal).catch(() => undefined);
    }
  }

  async function look(): Promise<void> {
    const quota = options.quota();
    const items = await workspaces.inventory();
    for (const attempt of options.attempts()) {
      const bytes =
        items.find(({ kind, name }) => kind === 'workspace' && name === attempt.attemptId)?.bytes ?? 0;
      const stop = judgeAttemptUse(bytes, quota);
      if (stop === null || stopped.has(attempt.attemptId)) continue;
      stopped.add(attempt.attemptId);
      log.error(
        { attempt: attempt.attemptId, bytes, reason: stop.reason },
        'An attempt takes too much of the disk',
      );
      attempt.stop(stop);
    }
    let bytes = sumBytes(items);
    for (const item of chooseOverQuota(items, quota)) {
      if (!(await workspaces.discard(item))) continue;
      bytes -= item.bytes;
      log.warn(
        { name: item.name, kind: item.kind, bytes: item.bytes },
        'Removed what nobody uses, since the workspaces take more than disk.max_gb',
      );
    }
    if (quota.total !== null && bytes > quota.total) {
      log.warn({ bytes }, 'The workspaces take more than disk.max_gb, and all of it is in use');
    }
    last = { bytes, atMs: clock.nowMs() };
  }

  return { use: () => last, run };
}
