import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { findAttemptProcesses } from './attempt-processes.ts';
import type { Journal, JournalEntry } from './journal.ts';

/** To look through the processes of a machine takes milliseconds in which nothing else happens. */
const LOOK_AGAIN_MS = 1000;

/** What a runner that comes back after a crash has to know of an attempt under way. */
export type AttemptNotes = {
  /** As last written, or about to be. */
  entry(): Readonly<JournalEntry>;
  /** Writes what is new, and what runs for the attempt now. Rejects when the journal can't be written. */
  write(news?: Partial<JournalEntry>): Promise<void>;
  /** Writes what runs for the attempt now, unless that was looked up within the last second. Never rejects. */
  freshen(): Promise<void>;
};

/** Keeps the journal's entry of one attempt true. `isOver`: from then on nothing is written any more. */
export function createAttemptNotes(options: {
  entry: JournalEntry;
  journal: Pick<Journal, 'write'>;
  phase: () => JournalEntry['phase'];
  isOver: () => boolean;
  clock: Clock;
  log: Logger;
}): AttemptNotes {
  const { journal, clock, log, isOver } = options;
  let entry = options.entry;
  let lookedAtMs = Number.NEGATIVE_INFINITY;

  async function write(news: Partial<JournalEntry> = {}): Promise<void> {
    lookedAtMs = clock.monotonicMs();
    entry = { ...entry, ...news, phase: options.phase() };
    const found = await findAttemptProcesses(entry, 'own');
    entry = { ...entry, processes: found.map(({ pid, startedAt }) => ({ pid, startedAt })) };
    if (!isOver()) await journal.write(entry);
  }

  return {
    entry: () => entry,
    write,
    freshen: async () => {
      if (clock.monotonicMs() - lookedAtMs < LOOK_AGAIN_MS) return;
      await write().catch((error: unknown) => log.warn({ err: error }, 'The journal could not be written'));
    },
  };
}
