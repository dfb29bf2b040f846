import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Which version of the runner API a runner speaks, as it says in each call. */
export async function addRunnerProtocol(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('runners').addColumn('protocol', 'text').execute();
}
