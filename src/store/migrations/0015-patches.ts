import { type Kysely, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';

/** Work that was not pushed, for people to decide about. */
export async function createPatches(db: Kysely<Schema>, engine: Engine): Promise<void> {
  await db.schema
    .createTable('patches')
    .addColumn('attempt_id', 'text', (column) => column.primaryKey())
    .addColumn('data', sql.raw(engine.bytesType), (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .execute();
}
