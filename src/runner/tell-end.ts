import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import type { ReportEntry } from './deliver-report.ts';
import type { LogUpload } from './log-upload.ts';
import type { AttemptChannel } from './transport/transport.ts';
import { transportErrorKind } from './transport/transport-error.ts';

/** How long the end of an attempt may take, in milliseconds. */
export type EndLimits = {
  /** For the rest of the log and the final state of the check run, together. */
  lastWordsMs: number;
  /** For what is left of the log after that, before the report: a cut that the lease outlives costs no line of it. */
  restOfLogMs: number;
  /** For telling the coordinator. Afterwards the report is kept, and the slot is free. */
  reportMs: number;
  /** The same once this runner has to go. */
  shutdownMs: number;
};

export const DEFAULT_END_LIMITS: EndLimits = {
  lastWordsMs: 15_000,
  restOfLogMs: 4 * 60_000,
  reportMs: 10 * 60_000,
  shutdownMs: 30_000,
};

/**
 * Tells the far side how an attempt ended, the rest of its live log first. False when it could not be reached in time; refused counts as told.
 * `shutdown` resolves when this runner goes down.
 */
export async function tellEnd(
  { idempotencyKey, ...request }: ReportEntry['report'],
  deps: {
    channel: Pick<AttemptChannel, 'complete'>;
    liveLog: Pick<LogUpload, 'flush'>;
    shutdown: Promise<void>;
    limits: EndLimits;
    clock: Clock;
    log: Logger;
  },
): Promise<boolean> {
  const { channel, liveLog, shutdown, clock, log } = deps;
  const { result } = request;
  const { restOfLogMs, reportMs, shutdownMs } = deps.limits;
  const leaving = new AbortController();
  const told = new AbortController();
  // Woken when it was told, and otherwise after as long as a runner that goes down may wait.
  void unlessAborted(shutdown, told.signal)
    .then(() => clock.sleep(shutdownMs, told.signal))
    .then(() => leaving.abort())
    .catch(() => undefined);
  const limit = AbortSignal.any([AbortSignal.timeout(reportMs), leaving.signal]);
  try {
    // After the report nothing more of the log is taken.
    await liveLog.flush(AbortSignal.any([AbortSignal.timeout(restOfLogMs), limit]));
    await channel.complete(request, idempotencyKey, limit);
    log.info({ outcome: result.outcome, reason: result.reason }, 'The end of an attempt was reported');
    return true;
  } catch (error) {
    const isLate = limit.aborted || transportErrorKind(error) === 'unavailable';
    log.error(
      { err: error, outcome: result.outcome },
      isLate
        ? 'The end of an attempt could not be reported yet; it is kept'
        : 'The end of an attempt was not taken',
    );
    return !isLate;
  } finally {
    told.abort();
  }
}
