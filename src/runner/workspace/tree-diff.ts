import type { FileChange } from '../../contract/job.ts';
import type { ChangedEntry } from '../../domain/change-policy.ts';
import type { Git, GitPlace } from './git.ts';
import { parseRaw, parseRawAndNumstat } from './parse-diff.ts';

/** What differs between the base and a tree that was written before. Files of the work tree have no say in it. */
export type TreeDiff = {
  changes(tree: string): Promise<FileChange[]>;
  entries(tree: string): Promise<ChangedEntryWithTarget[]>;
  patch(tree: string, maxBytes: number): Promise<string>;
  files(tree: string): Promise<string[]>;
};

export type ChangedEntryWithTarget = Required<ChangedEntry>;

const SYMLINK = '120000';
/** More changed paths than this are refused anyway; a target costs a process. */
const MAX_LINKS_READ = 300;

const DIFF = ['diff-tree', '-r', '--no-ext-diff', '--no-textconv', '--ignore-submodules=all'];

export function createTreeDiff(options: {
  git: Git;
  /** Has the objects of the base and of the trees. */
  gitDir: string;
  base: string;
  signal: AbortSignal;
}): TreeDiff {
  const { git, gitDir, base, signal } = options;
  const place: GitPlace = { gitDir, signal };

  async function changes(tree: string): Promise<FileChange[]> {
    const args = [...DIFF, '-z', '--raw', '--numstat', '--no-abbrev', '-M', base, tree];
    return parseRawAndNumstat(await git.run(args, place));
  }

  async function entries(tree: string): Promise<ChangedEntryWithTarget[]> {
    const args = [...DIFF, '-z', '--raw', '--no-abbrev', '--no-renames', base, tree];
    const found: ChangedEntryWithTarget[] = [];
    let links = 0;
    for (const { path, mode, objectId } of parseRaw(await git.run(args, place))) {
      const isLink = mode === SYMLINK && (links += 1) <= MAX_LINKS_READ;
      const linkTarget = isLink ? await git.run(['cat-file', 'blob', objectId], place) : null;
      found.push({ path, mode, linkTarget });
    }
    return found;
  }

  async function patch(tree: string, maxBytes: number): Promise<string> {
    return await git.readStart([...DIFF, '--patch', '-M', base, tree], maxBytes, place);
  }

  async function files(tree: string): Promise<string[]> {
    const listed = await git.run(['ls-tree', '-r', '-z', '--name-only', tree], place);
    return listed.split('\0').filter((path) => path !== '');
  }

  return { changes, entries, patch, files };
}
