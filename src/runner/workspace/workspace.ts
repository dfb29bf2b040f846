import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BranchName } from '../../domain/branch-name.ts';
import { explainBadFolder, toConePatterns } from '../../domain/sparse-cone.ts';
import type { SubmoduleRepository } from '../../domain/submodule-address.ts';
import type { JobSpec } from '../../contract/job.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { type HoldSubmodule, resetSubmodules } from './check-out-submodules.ts';
import { completeCheckout } from './complete-checkout.ts';
import { openCommitFiles } from './commit-files.ts';
import { createGitDir } from './create-git-dir.ts';
import type { Git } from './git.ts';
import { GitCommandError } from './git-command-error.ts';
import type { Remote } from './git-environment.ts';
import type { KeptRecord } from './kept/kept-record.ts';
import { createKeeping, type Keeping, type KeepWish } from './kept/keeping.ts';
import { createLending } from './lend-commit.ts';
import { findUnresolved, mergeCommits, type StartingPoint } from './merge-commits.ts';
import { findLfsChanges } from './find-lfs-changes.ts';
import { findMoved } from './find-moved.ts';
import type { LfsFetch } from './lfs-store.ts';
import { type BaseTip, fetchTip, mergeOnto } from './move-base.ts';
import { pushCommit } from './push-commit.ts';
import { createTreeDiff, type TreeDiff } from './tree-diff.ts';
import { createTurns } from './turns.ts';
import { createWorkIndex, toBaseIndex } from './work-index.ts';
import type { Rebased, Workspace } from './workspace-types.ts';

export type WorkspaceOptions = {
  git: Git;
  clock: Clock;
  log: Logger;
  spec: JobSpec;
  /** New folders of this attempt: what the agent may see, and the git directory that it may not. */
  attemptFolder: string;
  privateGitDir: string;
  /** For the patches of all attempts, below the root of the workspaces. */
  refusedFolder: string;
  /** The mirror's objects, with the base commit. */
  objectsFolder: string;
  /** The other mirrors of the attempt, and what else has to be asked of GitHub. */
  lfs: { store: string; fetch: LfsFetch };
  submodules: { hold: HoldSubmodule; toCloneUrl: (repository: SubmoduleRepository) => string };
  /** Where a branch stands by now, with all that can be needed of it; `null` = it is fetched into the attempt's own git directory. */
  holdTip: ((branch: string) => Promise<BaseTip>) | null;
  /** What to fetch with. */
  readRemote: () => Promise<Remote>;
  /** What to push with. */
  publishRemote: (commit: string) => Promise<Remote>;
  signal: AbortSignal;
  /** What is in the folder already, and of what; or why there is nothing. */
  kept: KeptRecord | { whyNot: string };
  /** Whether anything may be kept afterwards. */
  mayKeep: boolean;
  remove: () => Promise<void>;
  keep: (keeping: Keeping, wish: KeepWish) => Promise<void>;
  setAside: () => Promise<void>;
};

/** What a person can still be expected to look at. */
const MAX_PATCHED_BYTES = 100 * 1024 * 1024;

/**
 * Checks the base out, twice as far as git is concerned: once for the agent to look around in, once for the runner. What is kept lies beside,
 * and is nothing that git looks at: it holds no file of the repository, and no git directory.
 */
export async function createWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const { git, clock, log, spec, attemptFolder, privateGitDir, objectsFolder, signal } = options;
  const branch = BranchName.parse(spec.branch);
  const folder = join(attemptFolder, 'work');
  const homeFolder = join(attemptFolder, 'home');
  const tempFolder = join(attemptFolder, 'temp');
  const agentFolder = join(attemptFolder, 'agent');
  for (const made of [folder, homeFolder, tempFolder, agentFolder]) await mkdir(made, { recursive: true });

  const ownGitDir = join(folder, '.git');
  const { checkout = {} } = spec.settings;
  const gitDirOptions = {
    bare: false,
    branch,
    anyCommit: spec.base.commit,
    borrowFrom: objectsFolder,
    ...(checkout.sparse === undefined ? {} : { conePatterns: toConePatterns(checkout.sparse) }),
  };
  await createGitDir(ownGitDir, gitDirOptions);
  await createGitDir(privateGitDir, gitDirOptions);
  // The reflog wants a name; without one git would ask the machine for it.
  const identity = toIdentity(spec.commitAuthor, clock);
  const start = await findStart();
  if (checkout.sparse !== undefined) await widenCheckout(checkout.sparse, start.conflicts);
  const checkedOut = start.commit;
  const ownPlace = { gitDir: ownGitDir, workTree: folder, signal };
  await git.run(['reset', '--hard', checkedOut], { ...ownPlace, variables: identity });
  const completed = await completeCheckout({
    git,
    log,
    checkout,
    place: ownPlace,
    commit: checkedOut,
    cloneUrl: spec.repository.cloneUrl,
    identity,
    lfs: options.lfs,
    submodules: { ...options.submodules, privateFolder: join(privateGitDir, 'submodules') },
  });
  const { contents, submodules } = completed;
  for (const note of completed.notes) log.info({ note }, 'Not all of the repository is in the workspace');
  const index = await createWorkIndex({
    git,
    gitDir: privateGitDir,
    folder,
    base: checkedOut,
    freshIndex: join(ownGitDir, 'index'),
    contents,
    isPartial: checkout.partial === true,
    signal,
    log,
  });
  await hideFromOwnGit(completed.replaced);
  const ownFiles = spec.revision
    ? await openCommitFiles({ git, gitDir: privateGitDir, commit: spec.revision.baseCommit, signal })
    : null;
  const { attemptId } = spec;
  const { readRemote, publishRemote } = options;
  const lending = createLending({ git, gitDir: privateGitDir, attemptId, readRemote, publishRemote, signal });
  const keeping = await createKeeping({
    git,
    gitDir: privateGitDir,
    indexFile: toBaseIndex(privateGitDir),
    attemptFolder,
    head: spec.base.commit,
    checkedOut,
    kept: options.kept,
    signal,
  });
  // They share one index file.
  const inTurn = createTurns();
  return onBase(start);

  /** The one work tree, its snapshots seen from a base. */
  function onBase({ commit: base, parents, conflicts }: StartingPoint): Workspace {
    const diff = createTreeDiff({ git, gitDir: privateGitDir, base, signal });
    return {
      folder,
      homeFolder,
      tempFolder,
      agentFolder,
      imagesFolder: join(attemptFolder, 'images'),
      objectsFolder,
      sharedFolders: [...new Set([objectsFolder, ...submodules.map((submodule) => submodule.objectsFolder)])],
      notes: completed.notes,
      base,
      parents,
      merge: parents.length === 1 ? null : { conflicts },
      ownFiles,
      found: keeping.found,
      noteSetUp,
      unresolved: (tree) => findUnresolved({ git, gitDir: privateGitDir, tree, paths: conflicts, signal }),
      snapshot: () =>
        inTurn('index', async () => {
          const tree = await index.writeTree();
          const changed = await resetSubmodules(submodules, folder);
          if (changed.length > 0) log.warn({ changed }, 'Undid changes of submodules');
          return tree;
        }),
      toolOutput: index.toolOutput,
      leaveOutSoFar: () =>
        inTurn('index', async () => {
          await index.leaveOutSoFar();
          for (const submodule of submodules) await submodule.index.leaveOutSoFar();
        }),
      restore: (tree) => inTurn('index', () => index.restore(tree)),
      changes: diff.changes,
      entries: diff.entries,
      lfsChanges: (tree) =>
        findLfsChanges({ git, base, tree, withMoves: false, gitDir: privateGitDir, signal }),
      patch: diff.patch,
      files: diff.files,
      // Against what people have, too: a merge that was begun here is nowhere else.
      keepPatch: (tree) => keepPatch(tree, parents[0] ?? base, diff),
      baseHas: diff.baseHas,
      rebase: (tree) => rebase(tree, base),
      commit: (tree, message, author) => commit({ base, parents }, tree, message, author),
      push: (commit) =>
        pushCommit({
          git,
          gitDir: privateGitDir,
          branch,
          startCommit: spec.startCommit,
          commit,
          remote: () => publishRemote(commit),
          signal,
          clock,
        }),
      lending,
      remove: options.remove,
      keep: (wish) => options.keep(keeping, wish),
      setAside: options.setAside,
    };
  }

  /** Without it a next round has more to do, which is no reason to end this attempt. */
  async function noteSetUp(setUp: KeptRecord['setUp']): Promise<void> {
    if (!options.mayKeep) return;
    await keeping
      .noteSetUp(setUp)
      .catch((error: unknown) => log.warn({ err: error }, 'What set-up had made could not be looked at'));
  }

  async function rebase(tree: string, base: string): Promise<Rebased> {
    const place = { git, gitDir: privateGitDir, signal };
    const tip =
      options.holdTip === null
        ? await fetchTip({ ...place, branch: spec.base.branch, base, remote: await readRemote() })
        : await options.holdTip(spec.base.branch);
    if (tip.commit === base) return { kind: 'current' };
    const paths = submodules.map(({ path }) => path);
    const moved = { base, onto: tip.commit, submodules: paths, hasLfsContents: contents !== null };
    const [stale] = await findMoved({ ...place, ...moved });
    if (stale !== undefined) {
      const output = `${stale} is another one there, which a workspace can't follow`;
      throw new GitCommandError({ args: ['merge'], exitCode: null, output });
    }
    const merged = await mergeOnto({ ...place, base, tree, onto: tip.commit });
    if (merged.kind === 'conflict') return { kind: 'conflict', onto: tip.commit, paths: merged.paths };
    return {
      kind: 'rebased',
      tree: merged.tree,
      workspace: onBase({ ...tip, parents: [tip.commit], conflicts: [] }),
    };
  }

  /** The workspace's own git knows pointers: it would show each of these as changed. In a sparse checkout it can't be told. */
  async function hideFromOwnGit(paths: readonly string[]): Promise<void> {
    if (paths.length === 0 || checkout.sparse !== undefined) return;
    const input = paths.map((path) => `${path}\0`).join('');
    const args = ['update-index', '--verbose', '--skip-worktree', '-z', '--stdin'];
    // Without the work tree, to which paths would be relative: the git directory lies in it.
    await git.run(args, { gitDir: ownGitDir, signal, input });
  }

  /** What is in conflict has to be there, wherever it is. */
  async function widenCheckout(folders: readonly string[], conflicts: readonly string[]): Promise<void> {
    const more = conflicts.map((path) => dirname(path)).filter((path) => explainBadFolder(path) === null);
    if (more.length === 0) return;
    const patterns = toConePatterns([...folders, ...more]);
    for (const gitDir of [ownGitDir, privateGitDir])
      await writeFile(join(gitDir, 'info', 'sparse-checkout'), patterns);
  }

  /** The commit that everything is compared with. A merge is made in both git directories, since neither may read from the other. */
  async function findStart(): Promise<StartingPoint> {
    const ours = spec.base.commit;
    if (spec.revision?.mergeBase !== true) return { commit: ours, parents: [ours], conflicts: [] };
    const merge = { git, ours, theirs: spec.revision.baseCommit, identity, signal };
    await mergeCommits({ ...merge, gitDir: ownGitDir });
    return mergeCommits({ ...merge, gitDir: privateGitDir });
  }

  async function commit(
    { base, parents }: { base: string; parents: readonly string[] },
    tree: string,
    message: string,
    author: { name: string; email: string },
  ): Promise<string> {
    const baseTree = (
      await git.run(['rev-parse', `${base}^{tree}`], { gitDir: privateGitDir, signal })
    ).trim();
    // A merge is work by itself.
    if (tree === baseTree && parents.length === 1)
      throw new Error('There is nothing to commit: the snapshot is as the base is');
    const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'];
    const variables = toIdentity(author, clock);
    // Git takes a message up to the first NUL.
    const input = `${message.replaceAll('\0', '').trim()}\n`;
    return (await git.run(args, { gitDir: privateGitDir, signal, variables, input })).trim();
  }

  async function keepPatch(
    tree: string,
    from: string,
    diff: TreeDiff,
  ): Promise<{ name: string; path: string } | null> {
    const bytes = (await diff.entries(tree)).reduce((sum, entry) => sum + (entry.bytes ?? 0), 0);
    if (bytes > MAX_PATCHED_BYTES) return null;
    // It may hold secrets.
    await mkdir(options.refusedFolder, { recursive: true, mode: 0o700 });
    const file = join(options.refusedFolder, `${spec.attemptId}.patch`);
    await diff.writePatch(from, tree, file);
    log.info({ file }, 'Kept the patch of work that was not accepted');
    return { name: join(basename(options.refusedFolder), basename(file)), path: file };
  }
}

function toIdentity({ name, email }: { name: string; email: string }, clock: Clock): Record<string, string> {
  const date = `${Math.floor(clock.nowMs() / 1000)} +0000`;
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: date,
  };
}
