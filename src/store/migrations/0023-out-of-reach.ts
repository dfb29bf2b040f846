import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Jobs whose end GitHub could not be told, since the App had lost their repository. */
export async function createOutOfReach(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('out_of_reach')
    .addColumn('job_id', 'text', (column) => column.primaryKey())
    .addColumn('repository_id', 'bigint', (column) => column.notNull())
    .execute();
}
