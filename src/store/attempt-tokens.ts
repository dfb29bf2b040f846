import type { Kysely } from 'kysely';
import type { AttemptId } from '../contract/identifiers.ts';
import type { Schema } from './schema.ts';

/** Who has an attempt: it keeps its id when it is offered to the next runner, so only the epoch tells them apart. */
export type TokenHolder = { attemptId: AttemptId; epoch: number };

/** A GitHub token that has not been ended; the store can't read it. */
export type KeptToken = { tokenHash: string; sealed: string; expiresAtMs: number };

/** Every call is one statement. Those that GitHub has ended by their age are forgotten by `prune`. */
export type AttemptTokenQueries = {
  keep(holder: TokenHolder, token: KeptToken): Promise<void>;
  ofHolder(holder: TokenHolder): Promise<KeptToken[]>;
  forget(tokenHash: string): Promise<void>;
};

export function createAttemptTokenQueries(db: Kysely<Schema>): AttemptTokenQueries {
  return {
    async keep({ attemptId, epoch }, { tokenHash, sealed, expiresAtMs }) {
      await db
        .insertInto('attempt_tokens')
        .values({ token_hash: tokenHash, attempt_id: attemptId, epoch, sealed, expires_at: expiresAtMs })
        .execute();
    },

    async ofHolder({ attemptId, epoch }) {
      const rows = await db
        .selectFrom('attempt_tokens')
        .select(['token_hash', 'sealed', 'expires_at'])
        .where('attempt_id', '=', attemptId)
        .where('epoch', '=', epoch)
        .execute();
      return rows.map((row) => ({
        tokenHash: row.token_hash,
        sealed: row.sealed,
        expiresAtMs: row.expires_at,
      }));
    },

    async forget(tokenHash) {
      await db.deleteFrom('attempt_tokens').where('token_hash', '=', tokenHash).execute();
    },
  };
}
