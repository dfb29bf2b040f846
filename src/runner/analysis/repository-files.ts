import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';

/** A repository as the analysis sees it: names, and the text of small files. Nothing is run, no link leads out. */
export type RepositoryFiles = {
  /** Of files, relative, with `/`, sorted. */
  paths: readonly string[];
  has(path: string): boolean;
  /** Paths of files directly in a folder; '' is the root. */
  namesIn(folder: string): string[];
  /** The first `maxBytes` (256 KiB by default) of a file; `null` when it isn't there or is no plain file. */
  read(path: string, maxBytes?: number): Promise<string | null>;
};

const MAX_PATHS = 50_000;
const MAX_DEPTH = 20;
const MAX_BYTES = 256 * 1024;

/** Never part of a repository, or so big and so foreign that they would hide it. */
const SKIPPED_FOLDERS = new Set([
  '.git',
  '.hg',
  '.svn',
  'node_modules',
  '.venv',
  '__pycache__',
  '.tox',
  '.gradle',
]);

/** `trackedPaths` spares the walk through the folder. */
export async function openRepositoryFiles(
  folder: string,
  trackedPaths?: readonly string[],
): Promise<RepositoryFiles> {
  const root = await realpath(folder);
  const paths = (trackedPaths === undefined ? await walk(root) : trackedPaths.slice(0, MAX_PATHS)).toSorted();
  const known = new Set(paths);
  const byFolder = Map.groupBy(paths, folderOf);

  async function read(path: string, maxBytes = MAX_BYTES): Promise<string | null> {
    if (!known.has(path)) return null;
    return await readPlainFile(root, join(root, path), maxBytes);
  }

  return {
    paths,
    has: (path) => known.has(path),
    namesIn: (folder) => (byFolder.get(folder) ?? []).map((path) => basename(path)),
    read,
  };
}

/** A path in a folder of the repository; '' is the root. */
export function inFolder(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function folderOf(path: string): string {
  const folder = dirname(path);
  return folder === '.' ? '' : folder;
}

/** Breadth first, so that what is cut is what lies deepest. */
async function walk(root: string): Promise<string[]> {
  const found: string[] = [];
  let folders = [''];
  for (let depth = 0; folders.length > 0 && depth <= MAX_DEPTH; depth += 1) {
    const below: string[] = [];
    for (const folder of folders) {
      if (found.length >= MAX_PATHS) return found;
      for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
        const path = inFolder(folder, entry.name);
        if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) below.push(path);
        if (entry.isFile()) found.push(path);
      }
    }
    folders = below.toSorted();
  }
  return found.slice(0, MAX_PATHS);
}

async function readPlainFile(root: string, path: string, maxBytes: number): Promise<string | null> {
  try {
    // A folder on the way may be a link too.
    const parent = await realpath(dirname(path));
    if (parent !== root && !parent.startsWith(root + sep)) return null;
    // Not blocking: a pipe of that name would wait for a writer for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return null;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    // Gone, a link, or not readable: as good as not there. Anything else is our mistake.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return null;
  }
}
