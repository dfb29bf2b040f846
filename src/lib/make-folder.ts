import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Makes `folder` and those above it that are missing. Node's own `recursive` tries for ever where the system makes no folders, such as
 * below /proc. Throws the system's error.
 */
export async function makeFolder(folder: string, mode: number): Promise<void> {
  if (await isFolder(folder)) return;
  const parent = path.dirname(folder);
  if (parent !== folder) await makeFolder(parent, mode);
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    // Another process may have made it just now.
    if (!(await isFolder(folder))) throw error;
  }
}

async function isFolder(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
