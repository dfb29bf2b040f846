import type { AttemptId } from '../contract/identifiers.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import { deliverReport, type ReportEntry } from './deliver-report.ts';
import type { Journal } from './journal.ts';
import type { Transport } from './transport/transport.ts';

/** Ends of attempts that could not be reported in time. They are in the journal, so that a restart goes on with them. */
export type LateReports = {
  /** Goes on trying in the background, for as long as this process lives. */
  add(entry: ReportEntry): void;
  /** The attempts whose end is still to be reported. */
  waiting(): AttemptId[];
  /** Resolves when nothing is left to be reported, or when the signal aborts. */
  settle(signal: AbortSignal): Promise<void>;
  /** Gives up for now; the journal keeps what is left. */
  stop(): Promise<void>;
};

export function createLateReports(deps: {
  transport: Pick<Transport, 'attempt'>;
  journal: Journal;
  clock: Clock;
  log: Logger;
}): LateReports {
  const { log } = deps;
  const over = new AbortController();
  const waiting = new Map<AttemptId, Promise<void>>();

  return {
    add: (entry) => {
      const { attemptId } = entry;
      const delivery = deliverReport(entry, deps, over.signal)
        .then(() => undefined)
        .catch((error: unknown) => log.error({ err: error, attempt: attemptId }, 'A late report failed'))
        .finally(() => waiting.delete(attemptId));
      waiting.set(attemptId, delivery);
    },
    waiting: () => [...waiting.keys()],
    settle: async (signal) => {
      // Cut short by the abort; what is left is told by `stop`.
      await unlessAborted(Promise.all(waiting.values()), signal).catch(() => undefined);
    },
    stop: async () => {
      if (waiting.size > 0) {
        const attempts = [...waiting.keys()];
        log.warn({ attempts }, 'Ends of attempts are still to be reported: the next start goes on with them');
      }
      over.abort(new Error('The runner leaves'));
      await Promise.all(waiting.values());
    },
  };
}
