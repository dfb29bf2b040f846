import { type RawBuilder, sql } from 'kysely';
import type { Client } from 'pg';
import { LOCK_CLASS } from './postgres-locks.ts';
import { explainUse, ownName, type StoreHolder, StoreInUseError, type StoreUse } from './store-use.ts';

/** This process's share in the database: coordinators have it together, a recovery has it alone. */
export type PostgresUse = {
  /** What connections are called in PostgreSQL's own lists. */
  applicationName: string;
  /**
   * Takes the share on the connection that is kept for as long as the store is open; PostgreSQL lets go of it when that ends, however it
   * ends. Throws `StoreInUseError`, never waits.
   */
  take(client: Client): Promise<void>;
  /**
   * Whether the share is still had, as an expression; for a coordinator it stays so until the end of the transaction. The connection may have
   * been lost and somebody else have come: whatever works on another one asks this first.
   */
  stillHeld(): RawBuilder<boolean>;
};

const NAME = /^yardmaster \w+, /;
/** Who was in the way may have gone before we could see who it was. */
const TRIES = 3;
const LOCK = LOCK_CLASS.use;
const OURS = `locktype = 'advisory' and classid::bigint = ${LOCK} and objid = 0 and objsubid = 2 and granted
  and database = (select oid from pg_database where datname = current_database())`;

export function createPostgresUse(use: StoreUse): PostgresUse {
  let pid = 0;

  return {
    applicationName: `yardmaster ${use}, ${ownName()}`,

    async take(client) {
      const lock = use === 'serve' ? 'pg_try_advisory_lock_shared' : 'pg_try_advisory_lock';
      for (let tried = 1; ; tried += 1) {
        const { rows } = await client.query<{ taken: boolean; pid: number }>(
          `select ${lock}(${LOCK}, 0) as taken, pg_backend_pid() as pid`,
        );
        if (rows[0]?.taken === true) {
          ({ pid } = rows[0]);
          return;
        }
        const holders = await readHolders(client);
        const isSeen = holders.some((holder) => use === 'recover' || holder.use === 'recover');
        if (isSeen || tried === TRIES)
          throw new StoreInUseError(explainUse({ place: 'The database', wanted: use, holders }));
      }
    },

    stillHeld: () =>
      use === 'serve'
        ? sql`pg_try_advisory_xact_lock_shared(${sql.lit(LOCK)}, 0)`
        : sql`exists (select from pg_locks where ${sql.raw(OURS)} and mode = 'ExclusiveLock' and pid = ${sql.lit(pid)})`,
  };
}

/** Who has the database by now, the oldest first: several connections of one process count once. */
async function readHolders(client: Client): Promise<StoreHolder[]> {
  const { rows } = await client.query<{ name: string; alone: boolean; age_ms: number }>(
    `select coalesce(application_name, '') as name, bool_or(mode = 'ExclusiveLock') as alone,
       coalesce(extract(epoch from max(statement_timestamp() - backend_start)) * 1000, 0)::float8 as age_ms
     from pg_locks join pg_stat_activity using (pid) where ${OURS} group by application_name order by age_ms desc`,
  );
  return rows.map(({ name, alone, age_ms: ageMs }) => ({
    use: alone ? 'recover' : 'serve',
    name: name.replace(NAME, ''),
    ageMs,
  }));
}
