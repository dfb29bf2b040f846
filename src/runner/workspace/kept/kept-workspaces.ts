import { lstat, mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUDGETS } from '../../../domain/timings.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import { removeTree } from '../remove-tree.ts';
import { KeptRecord } from './kept-record.ts';

/** For whom a workspace is kept. */
export type KeptFor = Pick<KeptRecord, 'repositoryId' | 'branch'>;

/**
 * Workspaces that wait for the next round of their pull request, each by a record beside it. The record is what makes one: it is written
 * last and taken first, so that a crash at any moment leaves one that can be taken, or left-overs that the next start removes.
 */
export type KeptWorkspaces = {
  /** From here on it can be taken. One for each branch, and only so many: others go. */
  put(record: KeptRecord): Promise<void>;
  /** The one for this branch: whoever gets it is alone with it, and has to remove it in the end. Or why there is none, for people. */
  take(wanted: KeptFor): Promise<{ kind: 'taken'; record: KeptRecord } | { kind: 'none'; why: string }>;
  /** The longest kept one first. */
  list(): Promise<KeptRecord[]>;
  /** False when somebody has taken it meanwhile. */
  discard(record: KeptRecord, why: string): Promise<boolean>;
  /** Those that were kept long enough. */
  removeOld(): Promise<void>;
  /** Removes the longest kept ones first, until there is enough room. */
  makeRoom(isEnough: () => Promise<boolean>): Promise<void>;
  /** At start-up: the names of workspaces that may stay. */
  sweep(): Promise<string[]>;
};

const NOTHING_HERE =
  'nothing of the work before is kept on this runner: it was done elsewhere or without a sandbox, or what was kept has made room';

export function createKeptWorkspaces(deps: {
  /** Of the records. */
  folder: string;
  /** Of the workspaces. */
  attemptsFolder: string;
  /** How long one is kept; 0: none is. */
  keepMs: number;
  clock: Clock;
  log: Logger;
}): KeptWorkspaces {
  const { folder, attemptsFolder, keepMs, clock, log } = deps;

  async function put(record: KeptRecord): Promise<void> {
    for (const other of await list())
      if (toKey(other) === toKey(record)) await discard(other, 'a newer one took its place');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = toFile(record);
    await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${file}.new`, file);
    // It is kept by now, whatever becomes of others.
    await removeMost().catch((error: unknown) =>
      log.warn({ err: error }, 'A kept workspace could not be removed'),
    );
  }

  async function removeMost(): Promise<void> {
    const newestFirst = (await list()).toReversed();
    for (const old of newestFirst.slice(BUDGETS.keptWorkspaces))
      await discard(old, `a runner keeps the newest ${BUDGETS.keptWorkspaces}`);
  }

  async function take(wanted: KeptFor): ReturnType<KeptWorkspaces['take']> {
    if (keepMs === 0)
      return { kind: 'none', why: 'this runner keeps no workspaces (keep_workspaces_hours: 0)' };
    await removeOld();
    const found = (await list()).findLast((record) => toKey(record) === toKey(wanted));
    if (found === undefined) return { kind: 'none', why: NOTHING_HERE };
    if (await claim(found)) return { kind: 'taken', record: found };
    return { kind: 'none', why: 'another attempt has just taken what was kept' };
  }

  async function list(): Promise<KeptRecord[]> {
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
    const records = await Promise.all(names.map((name) => read(join(folder, name))));
    return records.filter((record) => record !== null).toSorted((a, b) => a.keptAtMs - b.keptAtMs);
  }

  /** `null` when it was taken meanwhile, or is no record. */
  async function read(file: string): Promise<KeptRecord | null> {
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text === null) return null;
    try {
      return KeptRecord.parse(JSON.parse(text));
    } catch (error) {
      log.warn({ err: error, file }, 'A record of a kept workspace can’t be used, and is removed');
      await removeTree(file);
      return null;
    }
  }

  /** Whoever removes the record has the workspace: the file system lets only one do it. */
  async function claim(record: KeptRecord): Promise<boolean> {
    try {
      await unlink(toFile(record));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  async function discard(record: KeptRecord, why: string): Promise<boolean> {
    if (!(await claim(record))) return false;
    await removeTree(join(attemptsFolder, record.attemptId));
    log.info({ attemptId: record.attemptId, why }, 'Removed a workspace that was kept for a next round');
    return true;
  }

  async function removeOld(): Promise<void> {
    for (const record of await list()) {
      // A clock that was put back must not keep one for ever.
      if (Math.abs(clock.nowMs() - record.keptAtMs) < keepMs) continue;
      await discard(record, `it was kept for ${keepMs / 3_600_000} hours`);
    }
  }

  async function makeRoom(isEnough: () => Promise<boolean>): Promise<void> {
    for (const record of await list()) {
      if (await isEnough()) return;
      await discard(record, 'the disk is nearly full');
    }
  }

  async function sweep(): Promise<string[]> {
    await removeOld();
    // Half-written ones.
    for (const name of await readdir(folder).catch(() => []))
      if (!name.endsWith('.json')) await removeTree(join(folder, name));
    const kept: string[] = [];
    for (const record of await list()) {
      const found = await lstat(join(attemptsFolder, record.attemptId)).catch(() => null);
      if (found?.isDirectory() === true) kept.push(record.attemptId);
      else await claim(record);
    }
    return kept;
  }

  function toFile({ attemptId }: KeptRecord): string {
    return join(folder, `${attemptId}.json`);
  }

  return { put, take, list, discard, removeOld, makeRoom, sweep };
}

function toKey({ repositoryId, branch }: KeptFor): string {
  return `${repositoryId} ${branch}`;
}
