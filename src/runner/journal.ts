import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AttemptResult, Phase } from '../contract/attempt-result.ts';
import { AttemptId, JobId } from '../contract/identifiers.ts';
import type { Logger } from '../lib/logger.ts';
import { keepLog } from './attempt-logs.ts';

const JournalEntry = z.object({
  attemptId: AttemptId,
  jobId: JobId,
  epoch: z.int().positive(),
  /** Lets a restarted runner say how the attempt ended. Secret: the file is for this user alone. */
  leaseToken: z.string(),
  phase: Phase,
  agentName: z.string(),
  /** HOME of what runs for the attempt; `null` before there is a workspace. Left-over processes are also known by it. */
  homeFolder: z.string().nullable(),
  /** What ran for the attempt when it was last looked. The start time tells a process from a later one with the same id. */
  processes: z.array(z.object({ pid: z.int().positive(), startedAt: z.string() })),
  /** Set when the attempt is over and only has to be reported, with the key under which that was begun. */
  report: z
    .object({
      result: AttemptResult,
      checkRunFinished: z.boolean(),
      patch: z.string().optional(),
      idempotencyKey: z.string(),
    })
    .nullable(),
});
/** What a runner has to know of an attempt when it comes back after a crash. */
export type JournalEntry = z.infer<typeof JournalEntry>;

/** One small file for each attempt that this runner holds: the only truth of a runner that outlives it. */
export type Journal = {
  /** The folder, also for other files of an attempt; their names begin with the attempt's id. */
  folder: string;
  /** What the last run left. A file that can't be understood is removed, and logged. */
  entries(): Promise<JournalEntry[]>;
  /** Whole or not at all; later calls for the same attempt replace earlier ones, in the order of the calls. */
  write(entry: JournalEntry): Promise<void>;
  /** Removes everything of an attempt; its log goes where logs are kept for people on this machine. */
  remove(attemptId: AttemptId): Promise<void>;
};

/** Where the log of an attempt is kept until the far side has it. */
export function attemptLogFile(journal: Pick<Journal, 'folder'>, attemptId: AttemptId): string {
  return path.join(journal.folder, `${attemptId}.log`);
}

export async function openJournal(options: {
  folder: string;
  /** Where the log of an attempt goes that is removed. */
  keptLogs: string;
  log: Logger;
}): Promise<Journal> {
  const { folder, keptLogs, log } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const busy = new Map<string, Promise<void>>();

  return {
    folder,
    entries: async () => {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
      const read = await Promise.all(names.map(readEntry));
      return read.filter((entry) => entry !== null);
    },
    write: (entry) =>
      inOrder(entry.attemptId, async () => {
        const file = path.join(folder, `${entry.attemptId}.json`);
        await writeFile(`${file}.new`, JSON.stringify(entry), { mode: 0o600 });
        await rename(`${file}.new`, file);
      }),
    remove: (attemptId) =>
      inOrder(attemptId, async () => {
        await keepLog(attemptLogFile({ folder }, attemptId), keptLogs);
        const names = (await readdir(folder)).filter((name) => name.startsWith(attemptId));
        await Promise.all(names.map((name) => rm(path.join(folder, name), { force: true })));
      }),
  };

  async function readEntry(name: string): Promise<JournalEntry | null> {
    const file = path.join(folder, name);
    try {
      return JournalEntry.parse(JSON.parse(await readFile(file, 'utf8')));
    } catch (error) {
      // Its lease lapses by itself; what it started is found by the sweep of the workspaces' folder at the latest.
      log.error({ err: error, file }, 'A journal file is damaged and was removed');
      await rm(file, { force: true });
      return null;
    }
  }

  /** Two writes of one attempt must not overtake each other. */
  function inOrder(attemptId: string, step: () => Promise<void>): Promise<void> {
    const before = busy.get(attemptId) ?? Promise.resolve();
    // A failed step was reported to who asked for it; the next one starts afresh.
    const next = before.catch(() => undefined).then(step);
    busy.set(attemptId, next);
    return next.finally(() => {
      if (busy.get(attemptId) === next) busy.delete(attemptId);
    });
  }
}
