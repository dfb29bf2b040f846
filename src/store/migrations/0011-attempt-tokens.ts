import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** GitHub tokens of attempts, sealed, so that whichever coordinator fences an attempt can end them. */
export async function createAttemptTokenTable(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('attempt_tokens')
    .addColumn('token_hash', 'text', (column) => column.primaryKey())
    .addColumn('attempt_id', 'text', (column) => column.notNull())
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('sealed', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('attempt_tokens_holder')
    .on('attempt_tokens')
    .columns(['attempt_id', 'epoch'])
    .execute();
}
