import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** When coordinators may write on GitHub, and how much they have written lately. */
export async function createWriteLimits(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('write_turns')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('next_start_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('recent_writes')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('recent_writes_of_key').on('recent_writes').columns(['key', 'at']).execute();
}
