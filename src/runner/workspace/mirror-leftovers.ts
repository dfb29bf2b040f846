import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Removes what a git command left in a mirror when it was killed: locks, which would stop every later fetch, and
 * half-written packs and objects, which only take room. `untilMs`: only what was last touched before this time
 * (milliseconds since the epoch), so that nothing is taken from a command that still runs. Returns how many went.
 */
export async function removeMirrorLeftovers(mirror: string, untilMs: number): Promise<number> {
  const files = [
    ...(await listFiles(mirror, false)),
    ...(await listFiles(join(mirror, 'refs'), true)),
    ...(await listFiles(join(mirror, 'objects'), true)),
    ...(await listFiles(join(mirror, 'lfs', 'objects'), false)),
  ].filter(isLeftover);
  let removed = 0;
  for (const file of files) {
    const touchedMs = await readTouchedMs(file);
    if (touchedMs === null || touchedMs >= untilMs) continue;
    await rm(file, { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

function isLeftover(file: string): boolean {
  const name = basename(file);
  // A fetch marks its pack with `.keep` until its refs are written; we keep nothing that way.
  return (
    name.endsWith('.lock') ||
    name.startsWith('tmp_') ||
    name === 'gc.pid' ||
    isDraft(file) ||
    isKeepMark(file)
  );
}

/** Of an object of Git LFS. */
function isDraft(file: string): boolean {
  return file.endsWith('.new') && basename(dirname(dirname(file))) === 'lfs';
}

function isKeepMark(file: string): boolean {
  return file.endsWith('.keep') && basename(dirname(file)) === 'pack';
}

async function listFiles(folder: string, recursive: boolean): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** `null` when it is gone by now. */
async function readTouchedMs(file: string): Promise<number | null> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
