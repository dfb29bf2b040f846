import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Tokens of the model that attempts used, so that they can be added up. */
export async function addUsageTokens(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('attempts').addColumn('input_tokens', 'bigint').execute();
  await db.schema.alterTable('attempts').addColumn('output_tokens', 'bigint').execute();
}
