import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Kysely, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createEmbeddedStore } from '../../src/store/embedded.ts';
import { createSqliteEngine, type Engine } from '../../src/store/engine.ts';
import { migrate, STEPS } from '../../src/store/migrate.ts';
import { createPostgresDialect, toClientConfig } from '../../src/store/postgres-dialect.ts';
import { createPostgresEngine } from '../../src/store/postgres-engine.ts';
import { createPostgresUse } from '../../src/store/postgres-use.ts';
import { createPostgresStore } from '../../src/store/postgres.ts';
import type { Schema } from '../../src/store/schema.ts';
import { createSqliteDialect } from '../../src/store/sqlite-dialect.ts';
import type { Store } from '../../src/store/store.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { aStoredRunner } from '../support/store-builders.ts';
import { createTestLogger } from '../support/test-logger.ts';

/** What a version after this one does to the tables, as far as the rule allows it while this one still runs. */
const NEXT_VERSION: typeof STEPS = {
  ...STEPS,
  '9001-more': async (db) => {
    await db.schema
      .alterTable('runners')
      .addColumn('mood', 'text', (c) => c.defaultTo('good'))
      .execute();
    await db.schema
      .createTable('moods')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .execute();
  },
};
/** And the version after that. */
const VERSION_AFTER_NEXT: typeof STEPS = {
  ...NEXT_VERSION,
  '9002-contract-runners': async (db) => {
    await db.schema.alterTable('runners').dropColumn('hostname').execute();
  },
};
const FIRST_VERSION: typeof STEPS = Object.fromEntries(Object.entries(STEPS).slice(0, 1));

describe.each<[string, () => Promise<Opened>]>([
  ['SQLite', openSqlite],
  ['PostgreSQL', openPostgres],
])('migrations on %s', (_engine, open) => {
  test('run once, however often a version starts', async () => {
    await using opened = await open();

    await opened.as(STEPS);
    await opened.as(STEPS);

    expect(await opened.done()).toEqual(Object.keys(STEPS));
  });

  test('bring the rows of the first version along', async () => {
    await using opened = await open();
    await opened.as(FIRST_VERSION);
    await opened.run(sql`insert into runners (id, name, hostname, capabilities, capacity, version, key_hash, session_epoch, accepting,
      draining, drain_requested, last_seen_at, last_assigned_at, enrolled_at) values ('r1', 'old', 'pc', '[]', 2, '1', 'h', 0, 1, 0, 0, 5, 0, 5)`);

    await using store = await opened.store();

    expect(await store.runners.views(10, 1000)).toMatchObject([{ name: 'old', quarantinedUntilMs: null }]);
  });

  test('of a newer version that only expand leave this one able to start, read and write', async () => {
    await using opened = await open();
    await using store = await opened.store();
    const before = aStoredRunner({ name: 'before' });
    await store.runners.insert(before);

    await opened.as(NEXT_VERSION);
    // Still running, and started anew: both versions side by side.
    const during = aStoredRunner({ name: 'during' });
    await store.runners.insert(during);
    expect(await store.runners.get(during.id)).toEqual(during);
    await store.close();
    await using restarted = await opened.store();
    const after = aStoredRunner({ name: 'after' });
    await restarted.runners.insert(after);

    expect(await restarted.runners.get(before.id)).toEqual(before);
    const moods = await opened.run(
      sql<{ name: string; mood: string }>`select name, mood from runners order by name`,
    );
    expect(moods.map(({ name, mood }) => `${name}: ${mood}`)).toEqual([
      'after: good',
      'before: good',
      'during: good',
    ]);
    await opened.as(NEXT_VERSION);
  });

  test('of a newer version that take something away keep this one out, with what to do', async () => {
    await using opened = await open();
    await opened.as(VERSION_AFTER_NEXT);

    await expect(opened.store()).rejects.toThrow(
      /newer version of Yardmaster has changed the tables \(9002-contract-runners\).*Start the newer version/,
    );
  });

  test('that fail change nothing, and say why', async () => {
    await using opened = await open();
    await opened.as(STEPS);
    const broken: typeof STEPS = {
      ...STEPS,
      '9003-broken': async (db) => {
        await db.schema.createTable('half').addColumn('id', 'text').execute();
        await sql`insert into nowhere values (1)`.execute(db);
      },
    };

    await expect(opened.as(broken)).rejects.toThrow(/could not be brought to this version.*nowhere/s);

    expect(await opened.done()).toEqual(Object.keys(STEPS));
    await expect(opened.run(sql`select * from half`)).rejects.toThrow(/half/);
  });
});

type Opened = {
  /** As a version with these steps does when it starts. */
  as(steps: typeof STEPS): Promise<void>;
  /** This version, started. */
  store(): Promise<Store>;
  run<T>(query: ReturnType<typeof sql<T>>): Promise<T[]>;
  done(): Promise<string[]>;
} & AsyncDisposable;

async function openSqlite(): Promise<Opened> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'yardmaster-migrate-'));
  const file = path.join(folder, 'yardmaster.db');
  return openWith({
    connect: () => new Kysely<Schema>({ dialect: createSqliteDialect(file) }),
    engine: createSqliteEngine(systemClock),
    store: () => createEmbeddedStore({ folder, clock: systemClock, log: createTestLogger() }),
    remove: () => rm(folder, { recursive: true, force: true }),
  });
}

async function openPostgres(): Promise<Opened> {
  const database = await createTestDatabase();
  const log = createTestLogger();
  return openWith({
    connect: () =>
      new Kysely<Schema>({ dialect: createPostgresDialect(toClientConfig(database.url), 60_000, log) }),
    engine: createPostgresEngine({
      claimant: 1,
      clock: null,
      processClock: systemClock,
      random: systemRandom,
      timings: { coordinatorGoneSeconds: 15 },
      use: createPostgresUse('serve'),
      onTime: () => undefined,
    }),
    store: () => createPostgresStore({ url: database.url, log }),
    remove: async () => database[Symbol.asyncDispose](),
  });
}

function openWith(parts: {
  connect: () => Kysely<Schema>;
  engine: Engine;
  store: () => Promise<Store>;
  remove: () => Promise<void>;
}): Opened {
  async function withDatabase<T>(work: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
    const db = parts.connect();
    try {
      return await work(db);
    } finally {
      await db.destroy();
    }
  }
  const run = <T>(query: ReturnType<typeof sql<T>>): Promise<T[]> =>
    withDatabase(async (db) => (await query.execute(db)).rows);
  return {
    as: (steps) => withDatabase((db) => migrate(db, parts.engine, steps)),
    store: parts.store,
    run,
    done: async () =>
      (await run(sql<{ name: string }>`select name from kysely_migration order by name`)).map(
        ({ name }) => name,
      ),
    [Symbol.asyncDispose]: async () => parts.remove(),
  };
}
