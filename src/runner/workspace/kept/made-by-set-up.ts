import { readFile, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git.ts';
import { explainManifests } from './set-up-manifests.ts';
import { FolderTooLargeError, stampFiles, type Stamps } from './stamp-files.ts';

/** What set-up made in the work tree and in HOME, as it was before any agent. */
export type MadeBySetUp = { work: Stamps; home: Stamps };

/** Of statfs(2): there a file can be changed without a trace. */
const TMPFS = 0x01021994;

/** Folders and files of package managers: what they hold follows from what is to be installed, and from nothing else. */
const DEPENDENCIES =
  /(^|\/)((node_modules|\.venv|venv|vendor|deps|\.bundle|\.yarn|\.terraform|__pycache__|[^/]+\.egg-info)\/|\.pnp\.[^/]+$)/;
/** Below HOME: what package managers write at every turn, and need not find. */
const CHATTER = /^\.npm\/_(logs(\/|$)|update-notifier-)/;

/** A work tree, and what git knows of its base. */
export type IndexedFolder = {
  git: Git;
  /** The runner's own. */
  gitDir: string;
  /** With the base in it. */
  indexFile: string;
  folder: string;
  signal: AbortSignal;
};

/** Looks at all that set-up has made; nothing of an agent may have run before. Answers in words why it is of no use later. */
export async function lookAtSetUp(
  options: IndexedFolder & { homeFolder: string },
): Promise<MadeBySetUp | { whyNot: string }> {
  const { folder, homeFolder } = options;
  const { type } = await statfs(folder);
  if (type === TMPFS)
    return {
      whyNot: 'workspace_root is in memory (tmpfs), where a changed file can’t be told; move it to a disk',
    };
  const tracked = await listTracked(options);
  const unknown = await explainManifests(folder, tracked);
  if (unknown !== null) return { whyNot: unknown };
  const trackedFolders = new Set([...tracked].flatMap(foldersOf));
  try {
    const work = await stampFiles(folder, (path) => {
      if (path === '.git' || tracked.has(path)) return 'leave';
      return trackedFolders.has(path) ? 'pass' : 'stamp';
    });
    const home = await stampFiles(homeFolder, (path) => (CHATTER.test(path) ? 'leave' : 'stamp'));
    const beside = [...work].find(
      ([path, stamp]) => !stamp.startsWith('folder ') && !DEPENDENCIES.test(path),
    );
    if (beside !== undefined) {
      const path = Buffer.from(beside[0], 'latin1').toString().slice(0, 200);
      return { whyNot: `it also makes ${JSON.stringify(path)}, which may depend on the code` };
    }
    return { work, home };
  } catch (error) {
    if (error instanceof FolderTooLargeError)
      return { whyNot: `what set-up made is too much: ${error.message}` };
    throw error;
  }
}

/** Paths of the base's files, as stamps name them. */
export async function listTracked({
  git,
  gitDir,
  indexFile,
  folder,
  signal,
}: IndexedFolder): Promise<Set<string>> {
  const variables = { GIT_INDEX_FILE: indexFile };
  const listed = await git.run(['ls-files', '-z'], { gitDir, workTree: folder, signal, variables });
  const paths = listed.split('\0').filter((path) => path !== '');
  return new Set(paths.map((path) => Buffer.from(path).toString('latin1')));
}

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_part, at) => parts.slice(0, at + 1).join('/'));
}

/** For as long as the attempt takes: there may be hundreds of thousands. */
export async function writeMade(gitDir: string, made: MadeBySetUp): Promise<void> {
  await writeFile(toFile(gitDir), JSON.stringify({ work: [...made.work], home: [...made.home] }));
}

export async function readMade(gitDir: string): Promise<MadeBySetUp> {
  const { work, home } = JSON.parse(await readFile(toFile(gitDir), 'utf8')) as Record<
    keyof MadeBySetUp,
    [string, string][]
  >;
  return { work: new Map(work), home: new Map(home) };
}

function toFile(gitDir: string): string {
  return join(gitDir, 'made-by-set-up.json');
}
