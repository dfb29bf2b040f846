import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const OPTIONS = { recursive: true, force: true, maxRetries: 3 };

/** Removes a folder with all that is in it, also folders that forbid it (package caches do). Follows no link. */
export async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, OPTIONS);
  } catch {
    // Whatever is in the way, opening the folders and trying again is all that can be done; the second try tells.
    await openFolders(folder);
    await rm(folder, OPTIONS);
  }
}

async function openFolders(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await openFolders(join(folder, entry.name));
}
