import type { BranchName } from '../../domain/branch-name.ts';
import type { Clock } from '../../lib/clock.ts';
import { stripControl } from '../../lib/strip-control.ts';
import type { Git, RemoteResult } from './git.ts';
import { GitCommandError } from './git-command-error.ts';
import type { Remote } from './git-environment.ts';

/** `fenced`: the branch stands elsewhere. `refused`: in the remote's own words, cleaned. */
export type PushResult = { kind: 'pushed' } | { kind: 'fenced' } | { kind: 'refused'; reason: string };

/** Waits between tries when the connection broke, or a fresh token is not known everywhere yet. */
const RETRY_WAITS_MS = [1000, 3000];
const MAX_REASON = 1000;

/**
 * Moves `branch` from `startCommit` to `commit` on the remote, or not at all. Whatever goes wrong, the remote is asked
 * where the branch stands: only that counts. Throws `GitCommandError` when it can't be reached.
 */
export async function pushCommit(options: {
  git: Git;
  gitDir: string;
  branch: BranchName;
  startCommit: string;
  commit: string;
  remote: () => Promise<Remote>;
  signal: AbortSignal;
  clock: Clock;
}): Promise<PushResult> {
  const { git, gitDir, branch, startCommit, commit, signal, clock } = options;
  const ref = `refs/heads/${branch}`;

  for (let tries = 0; ; tries += 1) {
    const remote = await options.remote();
    const lease = `--force-with-lease=${ref}:${startCommit}`;
    const args = ['push', '--porcelain', '--no-verify', lease, remote.url, `${commit}:${ref}`];
    const pushed = await git.runRemote(args, remote, { gitDir, signal });
    if (pushed.exitCode === 0) return { kind: 'pushed' };

    const stands = await readBranch(pushed);
    // Done, and only the answer was lost.
    if (stands === commit) return { kind: 'pushed' };
    if (stands !== startCommit) return { kind: 'fenced' };
    const refusal = readRefusal(pushed);
    if (refusal !== null) return { kind: 'refused', reason: refusal };

    const waitMs = RETRY_WAITS_MS[tries];
    if (waitMs !== undefined) {
      await clock.sleep(waitMs, signal);
      continue;
    }
    const words = readRemoteWords(pushed);
    if (words !== '') return { kind: 'refused', reason: words };
    throw new GitCommandError({ args: ['push'], exitCode: pushed.exitCode, output: pushed.output });
  }

  /** `null` when there is no such branch. */
  async function readBranch(pushed: RemoteResult): Promise<string | null> {
    let failed = pushed;
    for (const waitMs of [0, ...RETRY_WAITS_MS]) {
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      const remote = await options.remote();
      failed = await git.runRemote(['ls-remote', '--quiet', remote.url, ref], remote, { gitDir, signal });
      if (failed.exitCode === 0) return /^([0-9a-f]{40,64})\t/.exec(failed.stdout)?.[1] ?? null;
    }
    throw new GitCommandError({ args: ['push'], exitCode: failed.exitCode, output: failed.output });
  }
}

/** The porcelain line `!<TAB>from:to<TAB>[remote rejected] (why)`, and what the remote said beside. */
export function readRefusal(pushed: RemoteResult): string | null {
  const why = /^!\t[^\t]*\t\[remote rejected\] \((.*)\)$/m.exec(pushed.stdout)?.[1];
  if (why === undefined) return null;
  return clean([why, readRemoteWords(pushed)].filter((part) => part !== '').join('\n'));
}

function readRemoteWords({ output }: RemoteResult): string {
  const lines = [...output.matchAll(/^remote: ?(.*)$/gm)].map((match) => (match[1] ?? '').trim());
  return clean(lines.filter((line) => line !== '').join('\n'));
}

function clean(text: string): string {
  const plain = stripControl(text).trim();
  return plain.length > MAX_REASON ? `${plain.slice(0, MAX_REASON)}…` : plain;
}
