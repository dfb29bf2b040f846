import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Who asked for a job, by the number that GitHub puts into the addresses of commits. */
export async function addRequesterId(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('jobs').addColumn('requested_by_id', 'bigint').execute();
}
