import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Where a job's priority comes from: a person, or a label of its issue. */
export async function addPrioritySource(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('jobs').addColumn('priority_source', 'text').execute();
}
