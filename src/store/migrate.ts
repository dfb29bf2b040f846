import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Engine } from './engine.ts';
import { createFirstTables } from './migrations/0001-first-tables.ts';
import { createKeptSettings } from './migrations/0006-kept-settings.ts';
import type { Schema } from './schema.ts';

/** Every step, oldest first; a step that has been released is never changed. */
const STEPS: Readonly<Record<string, (db: Kysely<Schema>, engine: Engine) => Promise<void>>> = {
  '0001-first-tables': createFirstTables,
  '0006-kept-settings': createKeptSettings,
};

/** Brings the tables to the newest form: what has been done is skipped, and each step is done whole or not at all. */
export async function migrate(db: Kysely<Schema>, engine: Engine): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: {
      getMigrations: async () =>
        Object.fromEntries(
          Object.entries(STEPS).map(([name, step]) => [
            name,
            { up: (tx: Kysely<Schema>) => step(tx, engine) },
          ]),
        ),
    },
  });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  throw new Error(
    'The tables could not be brought to this version of Yardmaster. If a newer version has used them before, start that one; otherwise restore the last backup.',
    { cause: error },
  );
}
