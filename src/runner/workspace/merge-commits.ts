import type { Git } from './git.ts';

/** What the work of a job begins from. `conflicts`: paths that git could not merge, whose files hold both sides between marks. */
export type StartingPoint = { commit: string; parents: readonly string[]; conflicts: readonly string[] };

/** What git writes around the two sides. */
const MARKS = '^(<{7}|>{7}) ';
/** More paths than this are not looked through one by one. */
const MAX_PATHS = 1000;

/**
 * Merges two commits without a work tree: what git can't merge stands in the files between marks. The same commits and identity give the same
 * commit in every git directory, which never leaves this machine. Nothing that the repository configures runs.
 */
export async function mergeCommits(options: {
  git: Git;
  gitDir: string;
  ours: string;
  theirs: string;
  /** Author and committer, with their dates. */
  identity: Readonly<Record<string, string>>;
  signal: AbortSignal;
}): Promise<StartingPoint> {
  const { git, gitDir, ours, theirs, identity: variables, signal } = options;
  const args = ['merge-tree', '--write-tree', '--no-messages', '--name-only', '-z', ours, theirs];
  // 1: there are conflicts.
  const merged = await git.run(args, { gitDir, signal, alsoFine: 1 });
  const [tree = '', ...rest] = merged.split('\0');
  const conflicts = [...new Set(rest.filter((path) => path !== ''))];
  const commit = await git.run(['commit-tree', tree, '-p', ours, '-p', theirs, '-m', 'The two, merged'], {
    gitDir,
    signal,
    variables,
  });
  return { commit: commit.trim(), parents: [ours, theirs], conflicts };
}

/** Which of these files of a snapshot still hold marks of a merge. */
export async function findUnresolved(options: {
  git: Git;
  gitDir: string;
  tree: string;
  paths: readonly string[];
  signal: AbortSignal;
}): Promise<string[]> {
  const { git, gitDir, tree, paths, signal } = options;
  if (paths.length === 0) return [];
  // Paths are the repository's: none of them may be taken for a pattern.
  const args = [
    '--literal-pathspecs',
    'grep',
    '--files-with-matches',
    '--text',
    '-z',
    '-E',
    '-e',
    MARKS,
    tree,
    '--',
  ];
  // 1: there are none.
  const found = await git.run([...args, ...paths.slice(0, MAX_PATHS)], { gitDir, signal, alsoFine: 1 });
  return found
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => line.slice(tree.length + 1));
}
