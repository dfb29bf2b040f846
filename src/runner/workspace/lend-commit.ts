import type { Git, GitPlace } from './git.ts';
import { GitCommandError } from './git-command-error.ts';
import type { Remote } from './git-environment.ts';
import { readRefusal } from './push-commit.ts';

/** An attempt that was stopped ends no later than this because of it. */
const TAKE_BACK_MS = 30_000;

/** What the remote is given of a commit before it is on a branch. */
export type Lending = {
  /**
   * Gives the remote the commit's objects under a ref that is no branch: no rule for branches is about it, and nothing runs there.
   * Returns why it was refused, or `null`. Throws `GitCommandError` when the remote can't be reached.
   */
  lend(commit: string): Promise<string | null>;
  /** Fetches a commit that no branch has. Throws `GitCommandError` when the remote does not give it. */
  fetch(commit: string): Promise<void>;
  /** Removes the ref again, also of an attempt that was stopped; 30 s at the most. Never throws: all that is left then is a name. */
  takeBack(): Promise<void>;
};

export function createLending(
  options: {
    git: Git;
    attemptId: string;
    readRemote: () => Promise<Remote>;
    publishRemote: (commit: string) => Promise<Remote>;
  } & Required<Omit<GitPlace, 'workTree'>>,
): Lending {
  const { git, gitDir, signal } = options;
  const place = { gitDir, signal };
  const ref = `refs/yardmaster/${options.attemptId}`;

  /** Good for long enough to take it back. */
  let lentTo: Remote | null = null;

  return {
    lend: async (commit) => {
      const remote = await options.publishRemote(commit);
      lentTo = remote;
      const args = ['push', '--porcelain', '--no-verify', '--force', remote.url, `${commit}:${ref}`];
      const pushed = await git.runRemote(args, remote, place);
      if (pushed.exitCode === 0) return null;
      const refusal = readRefusal(pushed);
      if (refusal !== null) return refusal;
      throw new GitCommandError({ args: ['push'], exitCode: pushed.exitCode, output: pushed.output });
    },
    fetch: async (commit) => {
      const remote = await options.readRemote();
      const args = [
        'fetch',
        '--no-tags',
        '--no-write-fetch-head',
        '--quiet',
        remote.url,
        `+${commit}:${ref}`,
      ];
      const { exitCode, output } = await git.runRemote(args, remote, place);
      if (exitCode !== 0) throw new GitCommandError({ args: ['fetch'], exitCode, output });
    },
    takeBack: async () => {
      if (lentTo === null) return;
      try {
        // Not by the attempt's signal: what was stopped must not leave a ref behind on GitHub.
        const ownTime = { gitDir, signal: AbortSignal.timeout(TAKE_BACK_MS) };
        await git.runRemote(['push', '--no-verify', '--quiet', lentTo.url, `:${ref}`], lentTo, ownTime);
      } catch {
        // It took too long: what counts is decided elsewhere.
      }
    },
  };
}
