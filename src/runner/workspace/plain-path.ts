import { lstat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Whether nothing but folders stands above a path within `folder`, so that what is written there stays there. For work trees in which
 * nothing runs any more: what changes afterwards is not seen.
 */
export async function isPlainPath(folder: string, path: string): Promise<boolean> {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return false;
  let above = folder;
  for (const part of parts.slice(0, -1)) {
    above = join(above, part);
    const facts = await lstat(above).catch(() => null);
    if (facts === null || !facts.isDirectory()) return false;
  }
  return true;
}
