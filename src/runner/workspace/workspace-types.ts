import type { FileChange, JobSpec } from '../../contract/job.ts';

/** Hands out the current token for git; asked at each remote operation, so that a fresh one is used after an hour. */
export type GitTokenSource = (purpose: 'run' | 'publish') => Promise<string>;

/** A checkout of its own for one attempt. */
export type Workspace = {
  /** The work tree that agent, set-up and tests see. */
  folder: string;
  /** HOME and TMPDIR for what runs in the workspace; empty at first, beside the work tree. */
  homeFolder: string;
  tempFolder: string;
  /** Objects of the shared mirror that the work tree's own `.git` reads from. Never writable for what runs in the workspace. */
  objectsFolder: string;
  /** What differs from the base now, untracked and unignored files included. Runs nothing that the workspace configures. */
  changes(): Promise<FileChange[]>;
  /** Every path that differs from the base, both sides of a rename, with what `judgeChanges` looks at. */
  entries(): Promise<{ path: string; mode: string; linkTarget: string | null }[]>;
  /** The whole difference from the base as a patch, cut at `maxBytes`. */
  patch(maxBytes: number): Promise<string>;
  /**
   * Commits everything that differs onto the base (one commit, in a git dir that the workspace never saw). Returns the commit id.
   * Throws when nothing differs.
   */
  commit(message: string, author: { name: string; email: string }): Promise<string>;
  /**
   * Pushes `commit` to the job's branch with `--force-with-lease=<branch>:<start commit>`.
   * `fenced`: the branch stands elsewhere; another attempt or a person took over. `refused`: GitHub's own words.
   */
  push(
    commit: string,
  ): Promise<{ kind: 'pushed' } | { kind: 'fenced' } | { kind: 'refused'; reason: string }>;
  /** Puts tests' and agents' traces away: removes work tree, home, temp and private git dir. Safe to repeat. */
  remove(): Promise<void>;
};

export type Workspaces = {
  /** Updates the mirror if the base commit is not there yet, and checks the base out in a new folder. Aborts with the signal. */
  open(spec: JobSpec, tokens: GitTokenSource, signal: AbortSignal): Promise<Workspace>;
  /** At start-up: removes left-overs of attempts that this runner does not hold any more (workspaces, stale locks, temporary packs). */
  sweep(keep: readonly string[]): Promise<void>;
  freeDiskBytes(): Promise<number>;
};
