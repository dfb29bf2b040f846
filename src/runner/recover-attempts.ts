import type { AttemptResult } from '../contract/job.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { createSecret } from '../lib/secret.ts';
import { endAttemptProcesses } from './attempt-processes.ts';
import { createAttemptRecord, toAttemptResult } from './attempt-record.ts';
import type { Journal, JournalEntry } from './journal.ts';
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
 * somebody else's by now, the coordinator refuses it, which is just as well.
 */
export async function reportAbandoned(
  entries: readonly JournalEntry[],
  deps: { transport: Pick<Transport, 'attempt'>; journal: Journal; random: Random; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    entries.map(async (entry) => {
      const { attemptId, report } = entry;
      const channel = deps.transport.attempt(entry);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(REPORT_LIMIT_MS)]);
      try {
        await channel.complete(
          // As it was, to the letter, if it was begun: a repeat is known by it.
          {
            result: report?.result ?? toAbandonedResult(entry),
            checkRunFinished: report?.checkRunFinished ?? false,
          },
          report?.idempotencyKey ?? createSecret(deps.random),
          limit,
        );
        deps.log.info({ attempt: attemptId }, 'An attempt of the last run was given back');
      } catch (error) {
        deps.log.warn({ err: error, attempt: attemptId }, 'An attempt of the last run is not ours any more');
      }
      await deps.journal.remove(attemptId);
    }),
  );
}

function toAbandonedResult({ agentName, phase }: JournalEntry): AttemptResult {
  return toAttemptResult(createAttemptRecord(agentName), {
    // Trouble of the machine, as when it is shut down: the agent did not fail.
    outcome: 'cancelled',
    reason: `The runner was restarted in the middle of its work (phase ${phase}).`,
    retryable: true,
  });
}
