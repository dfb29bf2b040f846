import { type Kysely, sql } from 'kysely';
import type { Clock } from '../lib/clock.ts';
import { LOCK_CLASS } from './postgres-locks.ts';
import type { Schema } from './schema.ts';

/** A coordinator may lose its connection and come back; only who stays away is gone. */
const GONE_AFTER_MS = 15_000;

/**
 * Finds coordinators that ended without putting their tasks back. Each holds a lock of the database under its number for as long as its
 * process lives; the database lets go of it when the process is gone, however it went. Returns those that have been away long enough,
 * by looks of this very process.
 */
export function createClaimantWatch(
  clock: Pick<Clock, 'monotonicMs'>,
): (db: Kysely<Schema>) => Promise<number[]> {
  let awaySinceMs = new Map<number, number>();

  return async (db) => {
    const { rows } = await sql<{ claimant: number }>`
      select distinct claimed_by as claimant from tasks
      where state = 'running' and claimed_by is not null and claimed_by not in (
        select objid::bigint from pg_locks
        where locktype = 'advisory' and granted and classid::bigint = ${sql.lit(LOCK_CLASS.claimants)}
          and database = (select oid from pg_database where datname = current_database()))`.execute(db);
    const nowMs = clock.monotonicMs();
    awaySinceMs = new Map(rows.map(({ claimant }) => [claimant, awaySinceMs.get(claimant) ?? nowMs]));
    return [...awaySinceMs].filter(([, sinceMs]) => nowMs - sinceMs >= GONE_AFTER_MS).map(([who]) => who);
  };
}
