import { findLfsChanges } from './find-lfs-changes.ts';
import type { Git, GitPlace } from './git.ts';

/**
 * Paths that stand in the workspace as the base has them, and that git alone can't bring to another commit: submodules, and files in Git LFS
 * with their contents. Tests there would not be about that commit.
 */
export async function findMoved(
  options: {
    git: Git;
    base: string;
    onto: string;
    /** Paths of those that are checked out. */
    submodules: readonly string[];
    hasLfsContents: boolean;
  } & Required<Omit<GitPlace, 'workTree'>>,
): Promise<string[]> {
  const { git, base, onto, gitDir, signal } = options;
  const files = options.hasLfsContents
    ? await findLfsChanges({ git, base, tree: onto, withMoves: true, gitDir, signal })
    : [];
  if (options.submodules.length === 0) return files;
  const args = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', base, onto];
  const changed = new Set((await git.run(args, { gitDir, signal })).split('\0'));
  return [...files, ...options.submodules.filter((path) => changed.has(path))];
}
