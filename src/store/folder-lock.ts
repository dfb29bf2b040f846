import { DatabaseSync } from 'node:sqlite';
import path from 'node:path';
import { makeFolder } from '../lib/make-folder.ts';
import { toError } from '../lib/to-error.ts';

/** Another process has the data folder. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';

  constructor(folder: string, cause: unknown) {
    super(
      `The data folder ${folder} is in use by another coordinator. Stop that one first, or give this one a folder of its own ` +
        '(DATA_FOLDER). Several coordinators together need PostgreSQL (DATABASE_URL).',
      { cause },
    );
  }
}

/**
 * Takes the folder, which is made if it is missing, for this process alone. The lock is the operating system's, held through SQLite: it is free again the moment
 * the process is gone, however it went. Throws `FolderInUseError` when somebody has it, and says what to do when it can't be
 * made or written.
 */
export async function takeFolder(folder: string): Promise<{ release(): void }> {
  const lock = await openLock(folder);
  try {
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    throw new FolderInUseError(folder, error);
  }
  return { release: () => lock.close() };
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
