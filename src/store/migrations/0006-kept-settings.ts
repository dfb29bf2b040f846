import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** A repository's last settings without mistakes. */
export async function createKeptSettings(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('kept_settings')
    .addColumn('repository_id', 'bigint', (column) => column.primaryKey())
    .addColumn('text', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute();
}
