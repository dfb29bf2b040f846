import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** The key that a runner is about to take, until it has shown that it has it. */
export async function addNextKey(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('runners').addColumn('next_key_hash', 'text').execute();
}
