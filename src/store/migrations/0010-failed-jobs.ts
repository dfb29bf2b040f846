import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Which jobs failed fast on a runner, so that each counts once. */
export async function addFailedJobs(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('runners').addColumn('failed_jobs', 'text').execute();
}
