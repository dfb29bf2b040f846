import { type Kysely, sql } from 'kysely';
import type { Schema } from '../schema.ts';

/** Presses of check runs' buttons, and what came of them; attempts are found by the commit of their check run. */
export async function createPresses(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('presses')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('repository_id', 'bigint', (column) => column.notNull())
    .addColumn('installation_id', 'bigint', (column) => column.notNull())
    .addColumn('repository', 'text', (column) => column.notNull())
    .addColumn('issue_number', 'bigint', (column) => column.notNull())
    .addColumn('attempt_id', 'text', (column) => column.notNull())
    .addColumn('button', 'text', (column) => column.notNull())
    .addColumn('sender', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('presses_sender')
    .on('presses')
    .columns(['repository_id', 'sender', 'created_at'])
    .execute();
  await db.schema.createIndex('presses_created').on('presses').columns(['created_at']).execute();
  await sql`create index attempts_start_commit on attempts (start_commit)`.execute(db);
}
