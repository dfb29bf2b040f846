import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Who works on an attempt and what it has used, while it is under way. */
export async function addAttemptProgress(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('attempts').addColumn('progress', 'text').execute();
}
