import { mkdir } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import path from 'node:path';

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
 * the process is gone, however it went. Throws `FolderInUseError` when somebody has it.
 */
export async function takeFolder(folder: string): Promise<{ release(): void }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(path.join(folder, 'coordinator.lock'), { timeout: 0 });
  try {
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    throw new FolderInUseError(folder, error);
  }
  return { release: () => lock.close() };
}
