import type { AttemptResult } from '../contract/attempt-result.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { createSecret } from '../lib/secret.ts';
import { endAttemptProcesses } from './attempt-processes.ts';
import { createAttemptRecord, toAttemptResult } from './attempt-record.ts';
import { deliverReport, type ReportEntry } from './deliver-report.ts';
import type { Journal, JournalEntry } from './journal.ts';
import type { LateReports } from './late-reports.ts';
import type { Transport } from './transport/transport.ts';

/** Longer than the coordinator needs to answer, shorter than anybody wants to wait for a start. */
const REPORT_LIMIT_MS = 60_000;

/** Ends what the runner's last run left running, before anything new begins. Answers the attempts that it held. */
export async function endLeftOvers(deps: {
  journal: Journal;
  clock: Clock;
  log: Logger;
}): Promise<JournalEntry[]> {
  const entries = await deps.journal.entries();
  for (const entry of entries) {
    const ended = await endAttemptProcesses(entry, deps.clock);
    deps.log.warn(
      { attempt: entry.attemptId, phase: entry.phase, processes: ended },
      'An attempt of the last run was cut off; what it left running was ended',
    );
  }
  return entries;
}

/**
 * Tells how the attempts of the last run ended: as it was about to be told, or as cut off. Where the lease is over, or the attempt
 * somebody else's by now, the coordinator refuses it, which is just as well. What can't be delivered in a minute is left to `late`.
 */
export async function reportAbandoned(
  entries: readonly JournalEntry[],
  deps: {
    transport: Pick<Transport, 'attempt'>;
    journal: Journal;
    late: Pick<LateReports, 'add'>;
    random: Random;
    clock: Clock;
    log: Logger;
  },
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    entries.map(async (entry) => {
      const kept = { ...entry, report: entry.report ?? toAbandonedReport(entry, deps.random) };
      // Before it is sent: should this start be cut off, too, the next one says the same. A full disk is no reason to say nothing.
      await deps.journal
        .write(kept)
        .catch((error: unknown) => deps.log.warn({ err: error }, 'The journal could not be written'));
      const limit = AbortSignal.any([signal, AbortSignal.timeout(REPORT_LIMIT_MS)]);
      const delivery = await deliverReport(kept, deps, limit);
      if (delivery === 'unreachable') deps.late.add(kept);
    }),
  );
}

function toAbandonedReport(entry: JournalEntry, random: Random): ReportEntry['report'] {
  return {
    result: toAbandonedResult(entry),
    checkRunFinished: false,
    idempotencyKey: createSecret(random),
  };
}

function toAbandonedResult({ agentName, phase }: JournalEntry): AttemptResult {
  return toAttemptResult(createAttemptRecord(agentName), {
    // Trouble of the machine, as when it is shut down: the agent did not fail.
    outcome: 'cancelled',
    reason: `The runner was restarted in the middle of its work (phase ${phase}).`,
    retryable: true,
  });
}
