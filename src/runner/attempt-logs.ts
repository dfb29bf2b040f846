import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';

/** How many logs of ended attempts stay on the disk; each has 16 MiB at most. */
const KEPT_LOGS = 20;
const CHUNK_BYTES = 64 * 1024;
const LOOK_MS = 300;
const LOG_NAME = /^([0-9a-f-]{36})\.log$/;

/** The log of an attempt on this machine's disk. */
export type AttemptLog = { attemptId: string; file: string; isUnderWay: boolean; changedMs: number };

/** Where the logs of attempts under way and of ended ones are, below a workspace root. */
export function attemptLogFolders(workspaceRoot: string): { underWay: string; ended: string } {
  const state = path.join(workspaceRoot, '.yardmaster');
  return { underWay: path.join(state, 'journal'), ended: path.join(state, 'logs') };
}

/** Moves the log of an attempt that is over to where the newest twenty are kept. One that is empty or not there is not kept. */
export async function keepLog(file: string, folder: string): Promise<void> {
  // Not there: nothing was logged.
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size === 0) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rename(file, path.join(folder, path.basename(file)));
  const kept = await listFolder(folder, false);
  await Promise.all(kept.slice(KEPT_LOGS).map((log) => rm(log.file, { force: true })));
}

/** Those under way first, then those that ended, the newest first. */
export async function listAttemptLogs(workspaceRoot: string): Promise<AttemptLog[]> {
  const { underWay, ended } = attemptLogFolders(workspaceRoot);
  return [...(await listFolder(underWay, true)), ...(await listFolder(ended, false))];
}

/**
 * What a log holds, piece by piece; with `follow` until its attempt is over (which is when it is moved away from where it was) or the
 * signal aborts.
 */
export async function* readLog(
  log: AttemptLog,
  options: { follow: boolean; clock: Clock; signal: AbortSignal },
): AsyncGenerator<string> {
  const { clock, signal } = options;
  const file = await open(log.file, 'r');
  const decoder = new TextDecoder();
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let position = 0;
  try {
    for (;;) {
      // Looked at before reading, so that the last piece can't be missed.
      const isOver = !options.follow || !log.isUnderWay || !(await exists(log.file));
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) break;
        position += bytesRead;
        yield decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
      }
      if (isOver || signal.aborted) return;
      // An abort ends the wait early; the loop then ends by itself.
      await clock.sleep(LOOK_MS, signal).catch(() => undefined);
    }
  } finally {
    await file.close();
  }
}

async function listFolder(folder: string, isUnderWay: boolean): Promise<AttemptLog[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const found = await Promise.all(
    names.map(async (name): Promise<AttemptLog | null> => {
      const [, attemptId] = LOG_NAME.exec(name) ?? [];
      if (attemptId === undefined) return null;
      const file = path.join(folder, name);
      // It may have been moved just now.
      const facts = await stat(file).catch(() => null);
      return facts && { attemptId, file, isUnderWay, changedMs: facts.mtimeMs };
    }),
  );
  return found.filter((log) => log !== null).toSorted((a, b) => b.changedMs - a.changedMs);
}

async function exists(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    () => false,
  );
}
