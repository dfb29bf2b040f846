import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import type { RunnerId } from '../contract/identifiers.ts';

export type RunnerLock = { release(): void };

type Taking = { ok: true; lock: RunnerLock } | { ok: false; problem: string };

/** Takes a workspace root for this process alone, or says who has it. */
export async function takeWorkspaceLock(stateFolder: string): Promise<Taking> {
  const root = path.dirname(stateFolder);
  const taken = await takeLock(stateFolder, root);
  if ('lock' in taken) return { ok: true, lock: taken.lock };
  return {
    ok: false,
    problem: `another runner (process ${taken.holder.pid}) works in ${root}: stop it, or give this one a workspace_root of its own`,
  };
}

/**
 * Takes a runner's identity for this process alone, for this user on this machine: two of one identity would take the session from each
 * other, and break off each other's attempts. What runs on other machines, only the coordinator can see.
 */
export async function takeIdentityLock(options: {
  /** The user's, see `findStateFolder`. */
  stateFolder: string;
  runnerId: RunnerId;
  /** Told to who is refused. */
  workspaceRoot: string;
}): Promise<Taking> {
  const { stateFolder, runnerId, workspaceRoot } = options;
  const taken = await takeLock(path.join(stateFolder, 'runners', runnerId), workspaceRoot);
  if ('lock' in taken) return { ok: true, lock: taken.lock };
  const { pid, root } = taken.holder;
  return {
    ok: false,
    problem: `another runner (process ${pid}, in ${root}) has the same identity, ${runnerId}: stop it, or make this one a runner of its own with a key_file of its own and “yardmaster runner enroll”`,
  };
}

/** Where programs of this user keep their state, by the XDG base directory specification. */
export function findStateFolder(
  environment: Readonly<Record<string, string | undefined>>,
  homeFolder: string,
): string {
  const stateHome = environment['XDG_STATE_HOME'] ?? '';
  // One that is not absolute is to be ignored, says the specification.
  const parent = path.isAbsolute(stateHome) ? stateHome : path.join(homeFolder, '.local', 'state');
  return path.join(parent, 'yardmaster');
}

type Holder = { pid: string; root: string };

/**
 * The lock is one of the operating system on an otherwise empty SQLite file: it is free the moment its process is gone, also after
 * kill -9, and no process id can be mistaken for another.
 */
async function takeLock(folder: string, root: string): Promise<{ lock: RunnerLock } | { holder: Holder }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(path.join(folder, 'lock'), { timeout: 0 });
  const holderFile = path.join(folder, 'lock.pid');
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    return { holder: await readHolder(holderFile) };
  }
  await writeFile(holderFile, `${process.pid}\n${root}\n`);
  return { lock: { release: () => database.close() } };
}

async function readHolder(file: string): Promise<Holder> {
  // It may be just about to be written.
  const text = await readFile(file, 'utf8').catch(() => '');
  const [pid = '', root = ''] = text.split('\n');
  return { pid: pid || 'unknown', root: root || 'an unknown folder' };
}

/** SQLITE_BUSY, see https://sqlite.org/rescode.html#busy */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5;
}
