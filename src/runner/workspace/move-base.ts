import { BranchName } from '../../domain/branch-name.ts';
import type { Git, GitPlace } from './git.ts';
import { GitCommandError } from './git-command-error.ts';
import type { Remote } from './git-environment.ts';

/** The base branch as the remote has it by now, with all its objects. */
export type BaseTip = { commit: string };

/** Work on another base: the tree that it makes there, or the paths in which the two disagree. */
export type Merged = { kind: 'merged'; tree: string } | { kind: 'conflict'; paths: string[] };

const TIP_REF = 'refs/yardmaster/tip';
const BASE_REF = 'refs/yardmaster/base';
const NOBODY = {
  GIT_AUTHOR_NAME: 'nobody',
  GIT_AUTHOR_EMAIL: 'nobody@localhost',
  GIT_AUTHOR_DATE: '@0 +0000',
  GIT_COMMITTER_NAME: 'nobody',
  GIT_COMMITTER_EMAIL: 'nobody@localhost',
  GIT_COMMITTER_DATE: '@0 +0000',
};

/**
 * Fetches a branch into the attempt's own git directory, not into the mirror, where it would have to wait its turn. Throws
 * `GitCommandError` when the remote can't be reached or has no such branch.
 */
export async function fetchTip(
  options: { git: Git; branch: string; base: string; remote: Remote } & Required<Omit<GitPlace, 'workTree'>>,
): Promise<BaseTip> {
  const { git, gitDir, base, remote, signal } = options;
  const ref = toRef(options.branch);
  // What is there already, for the remote to begin from: alternates alone are no promise.
  await git.run(['update-ref', BASE_REF, base], { gitDir, signal });
  const args = ['fetch', '--no-tags', '--no-write-fetch-head', '--quiet', remote.url, `+${ref}:${TIP_REF}`];
  const { exitCode, output } = await git.runRemote(args, remote, { gitDir, signal });
  if (exitCode !== 0) throw new GitCommandError({ args: ['fetch'], exitCode, output });
  return { commit: (await git.run(['rev-parse', '--verify', TIP_REF], { gitDir, signal })).trim() };
}

/** Where a branch stands at the remote. Throws `GitCommandError` as `fetchTip` does. */
export async function readTip(
  options: { git: Git; branch: string; remote: Remote } & Required<Omit<GitPlace, 'workTree'>>,
): Promise<string> {
  const { git, remote, gitDir, signal } = options;
  const ref = toRef(options.branch);
  const listed = await git.runRemote(['ls-remote', '--quiet', remote.url, ref], remote, { gitDir, signal });
  const commit = /^([0-9a-f]{40,64})\t/.exec(listed.stdout)?.[1];
  if (listed.exitCode === 0 && commit !== undefined) return commit;
  throw new GitCommandError({ args: ['ls-remote'], exitCode: listed.exitCode, output: listed.output });
}

/** It becomes part of a refspec. */
function toRef(branch: string): string {
  const name = BranchName.safeParse(branch);
  if (name.success) return `refs/heads/${name.data}`;
  throw new GitCommandError({
    args: ['fetch'],
    exitCode: null,
    output: 'the name of the base branch is none',
  });
}

/**
 * What `tree`, made on `base`, is on `onto`: a merge of the three trees alone, without a work tree and without a look at the history, which
 * may have been rewritten. Runs nothing that a repository configures: merge drivers come from a configuration that only we write.
 */
export async function mergeOnto(
  options: { git: Git; base: string; tree: string; onto: string } & Required<Omit<GitPlace, 'workTree'>>,
): Promise<Merged> {
  const { git, base, tree, onto, gitDir, signal } = options;
  const place = { gitDir, signal };
  // `git merge-tree` finds its base by history, so it is given one of its own.
  const commit = async (content: string, ...parents: string[]): Promise<string> => {
    const args = ['commit-tree', content, ...parents.flatMap((parent) => ['-p', parent]), '-m', 'x'];
    return (await git.run(args, { ...place, variables: NOBODY })).trim();
  };
  const root = await commit(`${base}^{tree}`);
  const theirs = await commit(`${onto}^{tree}`, root);
  const ours = await commit(tree, root);
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', theirs, ours];
  // 1: there are conflicts.
  const [merged = '', ...paths] = (await git.run(args, { ...place, alsoFine: 1 })).split('\0');
  const conflicts = paths.filter((path) => path !== '');
  return conflicts.length === 0
    ? { kind: 'merged', tree: merged.trim() }
    : { kind: 'conflict', paths: conflicts };
}
