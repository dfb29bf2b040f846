import type { AttemptId } from '../contract/job.ts';
import type { GitHubToken, TokenPurpose } from '../contract/runner-api.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { GitHub } from '../github/github.ts';
import type { Clock } from '../lib/clock.ts';

/** All that a token of each purpose may do, in the one repository of the job. */
const PERMISSIONS = {
  run: { contents: 'read', checks: 'write', metadata: 'read' },
  publish: { contents: 'write' },
} as const satisfies Record<TokenPurpose, Record<string, 'read' | 'write'>>;

/** Who has an attempt: it keeps its id when it is offered to the next runner, so only the epoch tells them apart. */
export type TokenHolder = { attemptId: AttemptId; epoch: number };

/** GitHub tokens of attempts. */
export type AttemptTokens = {
  /** A fresh token for the job's repository. Throws `GitHubError`. */
  mint(target: RepositoryTarget, holder: TokenHolder, purpose: TokenPurpose): Promise<GitHubToken>;
  /** Ends this one token, whose answer is given to nobody. Throws `GitHubError`; may be repeated. */
  revoke(token: string): Promise<void>;
  /** Ends every token of the holder that this process has minted. Throws `GitHubError`; what was not ended yet can be ended by a repeat. */
  revokeAll(holder: TokenHolder): Promise<void>;
};

/**
 * Tokens are kept in memory only, to end them with the attempt: a store that leaks must not leak access to repositories. Those of a
 * coordinator that crashed live on until GitHub ends them, at most an hour.
 */
export function createAttemptTokens(deps: {
  github: Pick<GitHub, 'mintToken' | 'revokeToken'>;
  clock: Pick<Clock, 'nowMs'>;
}): AttemptTokens {
  const { github, clock } = deps;
  const live = new Map<string, TokenHolder & { expiresAtMs: number }>();

  function forgetExpired(): void {
    for (const [token, { expiresAtMs }] of live) if (expiresAtMs <= clock.nowMs()) live.delete(token);
  }

  async function revoke(token: string): Promise<void> {
    await github.revokeToken(token);
    live.delete(token);
  }

  return {
    async mint(target, { attemptId, epoch }, purpose) {
      const minted = await github.mintToken(target, PERMISSIONS[purpose]);
      forgetExpired();
      live.set(minted.token, { attemptId, epoch, expiresAtMs: minted.expiresAtMs });
      const expiresInSeconds = Math.max(1, Math.floor((minted.expiresAtMs - clock.nowMs()) / 1000));
      return { token: minted.token, expiresInSeconds };
    },

    revoke,

    async revokeAll({ attemptId, epoch }) {
      for (const [token, holder] of live) {
        if (holder.attemptId === attemptId && holder.epoch === epoch) await revoke(token);
      }
    },
  };
}
