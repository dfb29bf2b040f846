import { access } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { attemptLogFile, type Journal, type JournalEntry } from './journal.ts';
import { createLogUpload } from './log-upload.ts';
import type { Transport } from './transport/transport.ts';
import { transportErrorKind } from './transport/transport-error.ts';

/** The journal's entry of an attempt that is over and only has to be reported. */
export type ReportEntry = JournalEntry & { report: NonNullable<JournalEntry['report']> };

/** `taken`: the far side has it. `refused`: it is not wanted, now or ever. `unreachable`: it has to be tried again. */
export type Delivery = 'taken' | 'refused' | 'unreachable';

/**
 * Tells how an attempt ended whose end is in the journal, the rest of its log first, since nothing more of it is taken afterwards. Repeats
 * until the signal aborts. Removes the attempt from the journal, unless the far side could not be reached.
 */
export async function deliverReport(
  entry: ReportEntry,
  deps: { transport: Pick<Transport, 'attempt'>; journal: Journal; clock: Clock; log: Logger },
  signal: AbortSignal,
): Promise<Delivery> {
  const { attemptId, report } = entry;
  const log = deps.log.child({ attempt: attemptId });
  const channel = deps.transport.attempt(entry);
  const { idempotencyKey, ...request } = report;
  await sendRestOfLog();
  const delivery = await complete();
  if (delivery !== 'unreachable') await deps.journal.remove(attemptId);
  return delivery;

  async function complete(): Promise<Delivery> {
    try {
      await channel.complete(request, idempotencyKey, signal);
      const { outcome, reason } = report.result;
      log.info({ outcome, reason }, 'The end of an attempt was reported');
      return 'taken';
    } catch (error) {
      if (signal.aborted || isPassing(error)) {
        log.warn({ err: error }, 'The end of an attempt could not be reported yet; it is kept');
        return 'unreachable';
      }
      log.warn({ err: error }, 'The end of an attempt was not taken: it is not ours any more');
      return 'refused';
    }
  }

  async function sendRestOfLog(): Promise<void> {
    const file = attemptLogFile(deps.journal, attemptId);
    if (!(await isThere(file))) return;
    try {
      // It was masked before it was written.
      const upload = await createLogUpload({
        ...deps,
        log,
        channel,
        file,
        resume: true,
        redact: (text) => text,
      });
      await upload.flush(signal);
      await upload.close();
    } catch (error) {
      log.warn({ err: error }, 'The rest of a log could not be read');
    }
  }
}

/** What may be over at the next start: also another process under this identity, and versions that don't fit. */
function isPassing(error: unknown): boolean {
  const kind = transportErrorKind(error);
  return kind === 'unavailable' || kind === 'superseded' || kind === 'protocol_unsupported';
}

async function isThere(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
