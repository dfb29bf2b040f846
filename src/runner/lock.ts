import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';

export type WorkspaceLock = { release(): void };

/**
 * Takes a workspace root for this process alone, or says who has it. The lock is one of the operating system on an otherwise empty
 * SQLite file: it is free the moment its process is gone, also after kill -9, and no process id can be mistaken for another.
 */
export async function takeWorkspaceLock(
  stateFolder: string,
): Promise<{ ok: true; lock: WorkspaceLock } | { ok: false; problem: string }> {
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(path.join(stateFolder, 'lock'), { timeout: 0 });
  const holderFile = path.join(stateFolder, 'lock.pid');
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    const pid = await readFile(holderFile, 'utf8').catch(() => 'unknown');
    return {
      ok: false,
      problem: `another runner (process ${pid.trim()}) works in ${path.dirname(stateFolder)}: stop it, or give this one a workspace_root of its own`,
    };
  }
  await writeFile(holderFile, `${process.pid}\n`);
  return { ok: true, lock: { release: () => database.close() } };
}

/** SQLITE_BUSY, see https://sqlite.org/rescode.html#busy */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5;
}
