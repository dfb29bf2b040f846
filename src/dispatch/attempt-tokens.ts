import type { GitHubToken, TokenPurpose } from '../contract/runner-api.ts';
import { tokenPermissions } from '../domain/token-permissions.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { GitHub } from '../github/github.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Seal } from '../lib/seal.ts';
import { hashSecret } from '../lib/secret.ts';
import type { TokenHolder } from '../store/attempt-tokens.ts';
import type { Store } from '../store/store.ts';

/** GitHub tokens of attempts. */
export type AttemptTokens = {
  /** A fresh token for the job's repository. Throws `GitHubError`. */
  mint(target: RepositoryTarget, holder: TokenHolder, purpose: TokenPurpose): Promise<GitHubToken>;
  /** Ends this one token, whose answer is given to nobody. Throws `GitHubError`; may be repeated. */
  revoke(token: string): Promise<void>;
  /** Ends every token of the holder, whichever coordinator has minted it. Throws `GitHubError`; what was not ended yet can be ended by a repeat. */
  revokeAll(holder: TokenHolder): Promise<void>;
};

/**
 * Tokens end with the attempt, also when the coordinator that minted them is another one or was killed. So they are in the store, but
 * sealed with a key that is not: a store that leaks must not leak access to repositories.
 */
export function createAttemptTokens(deps: {
  github: Pick<GitHub, 'mintToken' | 'revokeToken'>;
  store: Pick<Store, 'attemptTokens'>;
  /** The same for all coordinators of the App. */
  seal: Seal;
  clock: Pick<Clock, 'nowMs'>;
  log: Logger;
}): AttemptTokens {
  const { github, store, seal, clock, log } = deps;

  async function revoke(token: string): Promise<void> {
    await github.revokeToken(token);
    await store.attemptTokens.forget(hashSecret(token));
  }

  return {
    async mint(target, holder, purpose) {
      const { token, expiresAtMs } = await github.mintToken(
        target,
        tokenPermissions(purpose, target.repository),
      );
      const kept = { tokenHash: hashSecret(token), sealed: seal.close(token), expiresAtMs };
      try {
        await store.attemptTokens.keep(holder, kept);
      } catch (error) {
        // Nobody will know of it later, so nobody gets it.
        await github.revokeToken(token).catch((failed: unknown) => {
          log.warn({ err: failed, ...holder }, 'A token that could not be kept could not be ended either');
        });
        throw error;
      }
      return { token, expiresInSeconds: Math.max(1, Math.floor((expiresAtMs - clock.nowMs()) / 1000)) };
    },

    revoke,

    async revokeAll(holder) {
      for (const { tokenHash, sealed, expiresAtMs } of await store.attemptTokens.ofHolder(holder)) {
        const token = seal.open(sealed);
        if (token === null && expiresAtMs > clock.nowMs())
          log.warn(
            holder,
            'A token was sealed under another private key of the App; it lives until its hour is over',
          );
        if (token !== null) await github.revokeToken(token);
        await store.attemptTokens.forget(tokenHash);
      }
    },
  };
}
