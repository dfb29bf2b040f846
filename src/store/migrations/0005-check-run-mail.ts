import { type Kysely, sql } from 'kysely';
import type { Schema } from '../schema.ts';

/** Runners that only reach GitHub, and what the coordinator and they have said to each other in check runs. */
export async function addCheckRunMail(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .alterTable('runners')
    .addColumn('transport', 'text', (c) => c.notNull().defaultTo('coordinator'))
    .execute();
  await db.schema.alterTable('runners').addColumn('silent_until', 'bigint').execute();

  await db.schema
    .createTable('check_run_mail')
    .addColumn('attempt_id', 'text', (c) => c.primaryKey().references('attempts.id').onDelete('cascade'))
    .addColumn('open', 'integer', (c) => c.notNull())
    .addColumn('nonce', 'text')
    .addColumn('number', 'bigint', (c) => c.notNull())
    .addColumn('log_end', 'bigint', (c) => c.notNull())
    .addColumn('heartbeat_ms', 'bigint', (c) => c.notNull())
    .addColumn('sent', 'text')
    .addColumn('etag', 'text')
    .addColumn('looked_at', 'bigint', (c) => c.notNull())
    .execute();
  await sql`create index check_run_mail_open on check_run_mail (attempt_id) where open = 1`.execute(db);
}
