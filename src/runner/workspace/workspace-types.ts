import type { FileChange } from '../../contract/attempt-result.ts';
import type { JobSpec } from '../../contract/job.ts';
import type { ToolOutput } from '../../domain/tool-output.ts';
import type { CommitFiles } from './commit-files.ts';
import type { InventoryItem } from './inventory.ts';
import type { Found, Keeping, KeepWish } from './kept/keeping.ts';
import type { Lending } from './lend-commit.ts';

/** What a git command is going to do at the remote. */
export type GitIntent = { kind: 'read' } | { kind: 'push'; commit: string };

/** Hands out the current token for git; asked at each remote operation, so that a fresh one is used after an hour. */
export type GitTokenSource = (intent: GitIntent) => Promise<string>;

/** A checkout of its own for one attempt. */
export type Workspace = {
  /** The work tree that agent, set-up and tests see. */
  folder: string;
  /** HOME and TMPDIR for what runs in the workspace; empty at first, beside the work tree. */
  homeFolder: string;
  tempFolder: string;
  /** What agents have beside these, and what runs for others never sees; empty at first, or with the session of the work before. */
  agentFolder: string;
  /** For images of the issue, beside the work tree; not there until somebody makes it. */
  imagesFolder: string;
  /** Objects of the shared mirror that the work tree's own `.git` reads from. Never writable for what runs in the workspace. */
  objectsFolder: string;
  /** The same, and those of submodules: all that has to be readable for git in the workspace. */
  sharedFolders: readonly string[];
  /** What is not in the work tree although the repository has it, a sentence each, for agents and people. */
  notes: readonly string[];
  /** The commit that snapshots are compared with and committed onto. */
  base: string;
  /** What a snapshot is committed onto: the base, or both sides of a merge, which itself is nowhere else. */
  parents: readonly string[];
  /**
   * The base branch was merged in, which is a part of the work: what is told of changes is told against the result. Files in `conflicts` hold
   * both sides between marks, or are there although one side removed them. `null`: nothing was merged.
   */
  merge: { conflicts: readonly string[] } | null;
  /** Where the repository's instructions for agents are read, when not from the work tree: nobody may change them by a pull request. */
  ownFiles: CommitFiles | null;
  /** What there still is of the work before on the same pull request, which only a round asks for; or why there is nothing. */
  found: Found | { whyNot: string };
  /** As `Keeping` says; does nothing where nothing is kept, and never rejects. */
  noteSetUp: Keeping['noteSetUp'];
  /** Paths of `merge.conflicts` whose files in a snapshot still hold marks. */
  unresolved(tree: string): Promise<string[]>;
  /**
   * Writes the work tree as it is now, untracked and unignored files included, into a git dir that the workspace never saw. Returns
   * the tree's id: what it holds can't change any more, whatever runs in the workspace afterwards. Runs nothing that the workspace
   * configures. Submodules are made as the base has them: nothing of them is in the tree, and no test may pass by it.
   */
  snapshot(): Promise<string>;
  /**
   * What differs from the base by now was made by set-up and tests: later snapshots leave it out, except for files of the base that are
   * changed further.
   */
  leaveOutSoFar(): Promise<void>;
  /** What the newest snapshot does not hold, since tools made it on the way; it stays where it is. */
  toolOutput(): readonly ToolOutput[];
  /** Makes the work tree what the snapshot holds; ignored files stay. */
  restore(tree: string): Promise<void>;
  /** What differs between the base and a snapshot. */
  changes(tree: string): Promise<FileChange[]>;
  /** Every path of a snapshot that differs from the base, both sides of a rename, with what `judgeChanges` looks at. */
  entries(
    tree: string,
  ): Promise<{ path: string; mode: string; linkTarget: string | null; bytes: number | null }[]>;
  /** Paths of a snapshot that were added or changed and belong in Git LFS, where nothing of this runner can put them. */
  lfsChanges(tree: string): Promise<string[]>;
  /** The whole difference between the base and a snapshot as a patch to read, cut at `maxBytes`; binary files count as text. */
  patch(tree: string, maxBytes: number): Promise<string>;
  /** Paths of all files of a snapshot. */
  files(tree: string): Promise<string[]>;
  /**
   * Puts the whole difference, binary files too, in a file that outlives the workspace. `name` is seen from the root of the workspaces;
   * `null` when it would be too large.
   */
  keepPatch(tree: string): Promise<{ name: string; path: string } | null>;
  /** Whether a line with this text stands in any file of the base. */
  baseHas(text: string): Promise<boolean>;
  /**
   * Looks where the base branch stands by now, and what the snapshot is there. The work tree stays as it is. Throws `GitCommandError` when
   * the remote can't be reached or has no such branch any more.
   */
  rebase(tree: string): Promise<Rebased>;
  /** Commits a snapshot onto the base (one commit), or onto both sides of a merge. Returns the commit id. Throws when the snapshot is as the base is. */
  commit(tree: string, message: string, author: { name: string; email: string }): Promise<string>;
  /**
   * Pushes `commit` to the job's branch with `--force-with-lease=<branch>:<start commit>`.
   * `fenced`: the branch stands elsewhere; another attempt or a person took over. `refused`: GitHub's own words.
   */
  push(
    commit: string,
  ): Promise<{ kind: 'pushed' } | { kind: 'fenced' } | { kind: 'refused'; reason: string }>;
  /** For commits that the remote is to make anew, from objects that it gets before. */
  lending: Lending;
  /** Puts tests' and agents' traces away: removes work tree, home, temp and private git dir. Safe to repeat. */
  remove(): Promise<void>;
  /** In place of `remove`, once nothing runs in it any more: what is safe of it waits for the next round of the pull request, a while. */
  keep(wish: KeepWish): Promise<void>;
  /** In place of `remove`: what an attempt had done that is not ours any more stays for people to look at, a while, as long as there is room. */
  setAside(): Promise<void>;
};

/** `rebased`: the snapshot on the new base, and the workspace seen from there. `conflict`: paths in which the two disagree. */
export type Rebased =
  | { kind: 'current' }
  | { kind: 'rebased'; tree: string; workspace: Workspace }
  | { kind: 'conflict'; onto: string; paths: string[] };

export type Workspaces = {
  /**
   * Updates the mirror if the base commit is not there yet, and checks the base out, in a new folder, or for a round of a pull request in
   * the one that was kept for it. Aborts with the signal.
   */
  open(spec: JobSpec, tokens: GitTokenSource, signal: AbortSignal): Promise<Workspace>;
  /**
   * At start-up: removes left-overs of attempts that this runner does not hold any more (workspaces, stale locks, temporary packs), and old
   * patches. What is kept for a next round stays.
   */
  sweep(keep: readonly string[]): Promise<void>;
  /** Where names for files (inodes) run out first: what files of one block each could still take. */
  freeDiskBytes(): Promise<number>;
  /** All that takes room, with what attempts hold of it. */
  inventory(): Promise<InventoryItem[]>;
  /** Removes what `choosePrunable` names, and answers with it; with `isDryRun` removes nothing. Never what an attempt holds. */
  prune(wanted: { unusedMs: number; isDryRun: boolean }): Promise<InventoryItem[]>;
  /** Removes one thing of the inventory. False, and it stays, when an attempt has begun to use it. */
  discard(item: InventoryItem): Promise<boolean>;
  /**
   * Where there are no more than `bytes` free, removes what was set aside, then what is kept for next rounds, then mirrors that no attempt
   * holds, the longest unused ones first, until there are. What was kept long enough goes anyway.
   * Returns how many bytes are free then: it may still be too few.
   */
  makeRoom(bytes: number): Promise<number>;
};
