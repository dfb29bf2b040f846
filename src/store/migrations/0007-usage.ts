import { type Kysely, sql } from 'kysely';
import type { Schema } from '../schema.ts';

/** What attempts cost, so that it can be added up. */
export async function addUsage(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('attempts').addColumn('cost_micro_usd', 'bigint').execute();
  await sql`create index jobs_created on jobs (repository_id, created_at)`.execute(db);
}
