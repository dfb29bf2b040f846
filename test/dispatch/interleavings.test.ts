import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { createEmbeddedStore } from '../../src/store/embedded.ts';
import { createPostgresStore } from '../../src/store/postgres.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { interleavings, live, type StoresUnderTest } from '../support/interleavings.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createTestLogger } from '../support/test-logger.ts';

/**
 * For each engine. A failure prints its seed and path; `PROPERTY_SEED` and `PROPERTY_PATH` run it again. `PROPERTY_SHRINK=no`
 * ends at the first failure: making it smaller takes minutes.
 */
const SECONDS = Number(process.env['PROPERTY_SECONDS'] ?? 6);
const SEED = process.env['PROPERTY_SEED'];
const PATH = process.env['PROPERTY_PATH'];
/** Even where the machine is slow. */
const LEAST_RUNS = 8;

describe('whatever happens in whatever order, what must be true of jobs stays true', () => {
  const timeout = (SECONDS * 3 + 240) * 1000;

  test(
    'on the embedded store',
    async () => {
      const clock = createFakeClock();
      // Held in memory where it can be: what survives a power cut is not the question here.
      const folder = await mkdtemp(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'yard-'));
      const open = () => createEmbeddedStore({ folder, clock, log: createTestLogger() });
      let store = await open();
      try {
        await check(clock, async () => {
          empty(path.join(folder, 'yardmaster.db'));
          return {
            stores: [store],
            async restart() {
              await store.close();
              return (store = await open());
            },
          };
        });
      } finally {
        await store.close();
        await rm(folder, { recursive: true, force: true });
      }
    },
    timeout,
  );

  test.each([1, 2])(
    'on PostgreSQL with %d at once',
    async (count) => {
      await using database = await createTestDatabase();
      const clock = createFakeClock();
      const open = () => createPostgresStore({ url: database.url, clock, log: createTestLogger() });
      // Kept from run to run: opening takes longer than a run.
      const stores = await Promise.all(Array.from({ length: count }, open));
      try {
        await check(clock, async () => {
          await database.query(`do $$ begin execute (
            select 'truncate ' || string_agg(quote_ident(tablename), ', ') from pg_tables
            where schemaname = 'public' and tablename not like 'kysely%'); end $$`);
          return {
            stores,
            async restart(index) {
              await stores[index]?.close();
              return (stores[index] = await open());
            },
          };
        });
      } finally {
        await Promise.all(stores.map((store) => store.close()));
      }
    },
    timeout,
  );
});

async function check(
  clock: ReturnType<typeof createFakeClock>,
  open: () => Promise<StoresUnderTest>,
): Promise<void> {
  const property = fc.asyncProperty(interleavings, async (happenings) => {
    await live(happenings, clock, await open());
  });
  const untilMs = performance.now() + SECONDS * 1000;
  // Not the library's own time limit: that fails on a machine too slow for a single run.
  let runs = 0;
  do {
    runs += 1;
    await fc.assert(property, {
      numRuns: 1,
      endOnFailure: process.env['PROPERTY_SHRINK'] === 'no',
      ...(SEED === undefined ? {} : { seed: Number(SEED) }),
      ...(PATH === undefined ? {} : { path: PATH }),
    });
  } while (performance.now() < untilMs || (runs < LEAST_RUNS && PATH === undefined));
}

/** The tables are made once and emptied for each run. */
function empty(file: string): void {
  using database = new DatabaseSync(file, { timeout: 5000 });
  const tables = database
    .prepare(`select name from sqlite_schema where type = 'table' and name not like 'kysely%'`)
    .all();
  database.exec('pragma foreign_keys = off');
  for (const { name } of tables) database.exec(`delete from "${String(name)}"`);
}
