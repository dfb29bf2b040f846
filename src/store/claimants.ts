import { type Kysely, sql } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import { LOCK_CLASS } from './postgres-locks.ts';
import type { Schema } from './schema.ts';

/**
 * Finds coordinators that ended without putting their tasks back. Each holds a lock of the database under its number on every
 * connection; the database lets go of the last one when the process is gone, however it went. Since connections may be lost and come back,
 * only those are returned that had none for `goneAfterMs`, by the looks of this very process; never `own`, which lives: what it has in hand
 * would be done twice.
 */
export function createClaimantWatch(
  clock: Pick<Clock, 'monotonicMs'>,
  goneAfterMs: number,
  own: number,
): (db: Kysely<Schema>) => Promise<number[]> {
  let awaySinceMs = new Map<number, number>();

  return async (db) => {
    const { rows } = await sql<{ claimant: number }>`
      select distinct claimed_by as claimant from tasks
      where state = 'running' and claimed_by is not null and claimed_by <> ${own} and claimed_by not in (
        select objid::bigint from pg_locks
        where locktype = 'advisory' and granted and classid::bigint = ${sql.lit(LOCK_CLASS.claimants)}
          and database = (select oid from pg_database where datname = current_database()))`.execute(db);
    const nowMs = clock.monotonicMs();
    awaySinceMs = new Map(rows.map(({ claimant }) => [claimant, awaySinceMs.get(claimant) ?? nowMs]));
    return [...awaySinceMs].filter(([, sinceMs]) => nowMs - sinceMs >= goneAfterMs).map(([who]) => who);
  };
}
