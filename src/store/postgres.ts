import { Kysely, sql } from 'kysely';
import { Client, type ClientBase } from 'pg';
import { DEFAULT_TIMINGS, type Timings } from '../domain/timings.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { type Random, systemRandom } from '../lib/random.ts';
import { stopEach } from '../lib/stop-each.ts';
import { toError } from '../lib/to-error.ts';
import { createUuidV7 } from '../lib/uuid-v7.ts';
import type { Engine } from './engine.ts';
import { takeFolder } from './folder-lock.ts';
import { migrate } from './migrate.ts';
import { createPostgresDialect, toClientConfig } from './postgres-dialect.ts';
import { createPostgresEngine, fromNotice, WAKE_CHANNEL } from './postgres-engine.ts';
import { explainDatabaseError, explainVersion, OLDEST_VERSION } from './postgres-error.ts';
import { createPostgresListener } from './postgres-listener.ts';
import { LOCK_CLASS } from './postgres-locks.ts';
import { createPostgresUse } from './postgres-use.ts';
import type { Schema } from './schema.ts';
import { createSqlStore, type StoreTimings } from './sql-store.ts';
import type { Store } from './store.ts';
import type { StoreUse } from './store-use.ts';
import { createWakes } from './wakes.ts';
import { createWithoutNulPlugin } from './without-nul.ts';

/**
 * The store that several coordinators share: the PostgreSQL database (version 15 or newer) at `url`, whose clock is the one that counts.
 * Its tables are made or brought up to date, however many start at once. Throws `DatabaseUnusableError` when it can't be used, saying
 * what to do, and `StoreInUseError` when it is being rebuilt, or is to be and coordinators run on it. What a coordinator was working on when it went is taken over by the others within seconds.
 *
 * The connection must last as long as the session: behind a pooler, that is one connection a session, not one a transaction.
 */
export async function createPostgresStore(deps: {
  /** `postgres://user:password@host:port/database`. */
  url: string;
  /** This coordinator's own, for what isn't in the database (the operator's socket); taken for it alone. */
  folder?: string;
  /** `serve` when left out. */
  use?: StoreUse;
  log: Logger;
  /** In place of the database's clock, for tests that turn it. */
  clock?: Pick<Clock, 'nowMs'>;
  random?: Random;
  timings?: StoreTimings & Pick<Timings, 'coordinatorGoneSeconds' | 'databaseSilentSeconds'>;
  /** `BUDGETS.keptLogDays` when left out. */
  keepLogsDays?: number;
}): Promise<Store> {
  const { url, log, random = systemRandom, timings = DEFAULT_TIMINGS, use = 'serve' } = deps;
  const lock = deps.folder === undefined ? null : await takeFolder(deps.folder, use);
  const share = createPostgresUse(use);
  const silentMs = timings.databaseSilentSeconds * 1000;
  const config = { ...toClientConfig(url), application_name: share.applicationName };
  const time = createFollowingClock();
  const claimant = random.bytes(4).reduce((number, byte) => number * 256 + byte, 0) % 2 ** 31;
  const db = new Kysely<Schema>({
    dialect: createPostgresDialect(config, silentMs, log, (client) => showClaimant(client, claimant)),
    plugins: [createWithoutNulPlugin()],
  });
  const wakes = createWakes();
  const engine = createPostgresEngine({
    claimant,
    clock: deps.clock ?? null,
    processClock: systemClock,
    random,
    timings,
    use: share,
    onTime: time.follow,
  });
  const listener = createPostgresListener({
    config,
    silentMs,
    channel: WAKE_CHANNEL,
    async prepare(client) {
      await share.take(client);
      await showClaimant(client, claimant);
    },
    onNotice(text) {
      const topic = fromNotice(text, claimant);
      if (topic !== null) wakes.emit([topic]);
    },
    onReturn: () => wakes.emit(['all']),
    clock: systemClock,
    random,
    log,
  });

  let closing: Promise<void> | undefined;
  const closeAll = () =>
    stopEach('The store', [() => listener.stop(), () => db.destroy(), async () => lock?.release()]);

  try {
    await checkVersion(db);
    // First: nothing is done to a database that is not ours to use.
    await listener.start();
    await migrateAlone(db, engine);
    await engine.nowMs(db);
  } catch (thrown) {
    await closeAll();
    throw explainDatabaseError(toError(thrown), new Client(toClientConfig(url)));
  }
  return createSqlStore({
    db,
    engine,
    newId: createUuidV7({ clock: deps.clock ?? time, random }),
    wakes,
    timings,
    keepLogsDays: deps.keepLogsDays,
    close: () => (closing ??= closeAll()),
  });
}

/**
 * Shows on a connection whose it is, for as long as it lasts: as long as there is one, its process lives (`createClaimantWatch`). Shared:
 * by all connections of the process, those that are dead without the server knowing among them.
 */
async function showClaimant(client: ClientBase, claimant: number): Promise<void> {
  await client.query('select pg_advisory_lock_shared($1::int, $2::int)', [LOCK_CLASS.claimants, claimant]);
}

async function checkVersion(db: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ server_version: string }>`show server_version`.execute(db);
  const version = rows[0]?.server_version ?? '';
  if (Number.parseInt(version, 10) < OLDEST_VERSION) throw explainVersion(version);
}

/** One coordinator at a time, and on one connection; who comes later finds everything done. */
async function migrateAlone(db: Kysely<Schema>, engine: Engine): Promise<void> {
  await db.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(${sql.lit(LOCK_CLASS.migration)}, 0)`.execute(connection);
    try {
      await migrate(connection, engine);
    } finally {
      await sql`select pg_advisory_unlock(${sql.lit(LOCK_CLASS.migration)}, 0)`.execute(connection);
    }
  });
}

/**
 * The database's clock as it was last read, moved on by this process: good enough for ids, so that those of several coordinators sort
 * by time whatever their own clocks say.
 */
function createFollowingClock(): Pick<Clock, 'nowMs'> & { follow(nowMs: number): void } {
  let aheadMs = systemClock.nowMs() - systemClock.monotonicMs();
  return {
    nowMs: () => Math.floor(systemClock.monotonicMs() + aheadMs),
    follow(nowMs) {
      aheadMs = nowMs - systemClock.monotonicMs();
    },
  };
}
