import { GitHubError } from './github/github-error.ts';
import type { SharedLimits } from './github/shared-limits.ts';
import { toError } from './lib/to-error.ts';
import type { Store, StoreTx } from './store/store.ts';

/**
 * GitHub's limits as all coordinators of a store keep them together, also over restarts. While the store can't be asked nothing is written:
 * what was done could not be noted either. That comes as `GitHubError` `unavailable`, for the outbox to come again later.
 */
export function createStoredLimits(store: Pick<Store, 'transact'>): SharedLimits {
  async function ask(take: (tx: StoreTx) => Promise<number>): Promise<number> {
    try {
      return await store.transact(take);
    } catch (thrown) {
      const error = toError(thrown);
      const message = `The store could not be asked whether GitHub may be written to: ${error.message}`;
      throw new GitHubError('unavailable', message, { cause: error });
    }
  }

  return {
    takeStart: (key, spacingMs) => ask((tx) => tx.writeLimits.takeStart(key, spacingMs, tx.nowMs)),
    takeOfHour: (key, perHour) => ask((tx) => tx.writeLimits.takeOfHour(key, perHour, tx.nowMs)),
  };
}
