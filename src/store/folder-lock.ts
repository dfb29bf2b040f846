import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import path from 'node:path';
import { z } from 'zod';
import { systemClock } from '../lib/clock.ts';
import { makeFolder } from '../lib/make-folder.ts';
import { toOneLine } from '../lib/strip-control.ts';
import { toError } from '../lib/to-error.ts';
import { explainUse, ownName, type StoreHolder, StoreInUseError, type StoreUse } from './store-use.ts';

/** Another process has the data folder. */
export class FolderInUseError extends StoreInUseError {
  override readonly name = 'FolderInUseError';
}

const Holder = z.object({ use: z.enum(['serve', 'recover']), name: z.string(), sinceMs: z.number() });

/**
 * Takes the folder, which is made if it is missing, for this process alone. The lock is the operating system's, held through SQLite: it is free again the moment
 * the process is gone, however it went. Throws `FolderInUseError` when somebody has it, and says what to do when it can't be
 * made or written.
 */
export async function takeFolder(folder: string, use: StoreUse): Promise<{ release(): void }> {
  const lock = await openLock(folder);
  try {
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    const holder = readHolder(folder);
    const holders = holder === null ? [] : [holder];
    throw new FolderInUseError(explainUse({ place: `The data folder ${folder}`, wanted: use, holders }), {
      cause: error,
    });
  }
  noteHolder(folder, use);
  return {
    release() {
      rmSync(toHolderFile(folder), { force: true });
      lock.close();
    },
  };
}

/** Only for people who find the folder taken: what is free and what is not, the lock alone says. */
function noteHolder(folder: string, use: StoreUse): void {
  const holder: z.infer<typeof Holder> = { use, name: ownName(), sinceMs: systemClock.nowMs() };
  try {
    writeFileSync(toHolderFile(folder), JSON.stringify(holder), { mode: 0o600 });
  } catch {
    // A full disk must not keep a coordinator from starting; others are then told less.
  }
}

/** `null` when it has not said who it is. */
function readHolder(folder: string): StoreHolder | null {
  try {
    const { use, name, sinceMs } = Holder.parse(JSON.parse(readFileSync(toHolderFile(folder), 'utf8')));
    return { use, name: toOneLine(name, 100), ageMs: Math.max(0, systemClock.nowMs() - sinceMs) };
  } catch {
    return null;
  }
}

function toHolderFile(folder: string): string {
  return path.join(folder, 'coordinator.holder');
}

async function openLock(folder: string): Promise<DatabaseSync> {
  try {
    await makeFolder(folder, 0o700);
    return new DatabaseSync(path.join(folder, 'coordinator.lock'), { timeout: 0 });
  } catch (error) {
    throw new Error(
      `The data folder ${folder} can’t be made or written (${toError(error).message}): name one that this user may write with --data (DATA_FOLDER).`,
      { cause: error },
    );
  }
}
