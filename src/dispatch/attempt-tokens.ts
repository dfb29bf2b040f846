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

/** GitHub tokens of attempts. */
export type AttemptTokens = {
  /** A fresh token for the job's repository. Throws `GitHubError`. */
  mint(target: RepositoryTarget, attemptId: AttemptId, purpose: TokenPurpose): Promise<GitHubToken>;
  /** Ends every token of the attempt that this process has minted. Throws `GitHubError`; what was not ended yet can be ended by a repeat. */
  revokeAll(attemptId: AttemptId): Promise<void>;
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
  const live = new Map<AttemptId, { token: string; expiresAtMs: number }[]>();

  function forgetExpired(): void {
    for (const [attemptId, tokens] of live) {
      const left = tokens.filter((token) => token.expiresAtMs > clock.nowMs());
      if (left.length > 0) live.set(attemptId, left);
      else live.delete(attemptId);
    }
  }

  return {
    async mint(target, attemptId, purpose) {
      const minted = await github.mintToken(target, PERMISSIONS[purpose]);
      forgetExpired();
      live.set(attemptId, [...(live.get(attemptId) ?? []), minted]);
      const expiresInSeconds = Math.max(1, Math.floor((minted.expiresAtMs - clock.nowMs()) / 1000));
      return { token: minted.token, expiresInSeconds };
    },

    async revokeAll(attemptId) {
      for (const { token } of live.get(attemptId) ?? []) {
        await github.revokeToken(token);
        live.set(
          attemptId,
          (live.get(attemptId) ?? []).filter((other) => other.token !== token),
        );
      }
      live.delete(attemptId);
    },
  };
}
