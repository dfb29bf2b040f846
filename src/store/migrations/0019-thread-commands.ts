import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** In which thread on lines of a pull request a comment with commands stands. */
export async function addThreadCommands(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('commands').addColumn('thread_id', 'bigint').execute();
}
