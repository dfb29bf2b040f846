import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createPostgresStore } from '../../src/store/postgres.ts';
import type { Store } from '../../src/store/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { describeStore } from './store-contract.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

describeStore('postgres', async () => {
  const clock = createFakeClock();
  const store = await openEmpty(clock);
  return { store, clock, [Symbol.asyncDispose]: () => store.close() };
});

/** The tables are made once and emptied for each test: that is ten times as fast as making them. */
async function openEmpty(clock = createFakeClock()): Promise<Store> {
  const store = await createPostgresStore({ url: database.url, clock, log: createTestLogger() });
  await database.query(`do $$ begin execute (
    select 'truncate ' || string_agg(quote_ident(tablename), ', ') from pg_tables
    where schemaname = 'public' and tablename not like 'kysely%'); end $$`);
  return store;
}
