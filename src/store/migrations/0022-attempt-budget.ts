import { type Kysely, sql } from 'kysely';
import type { Schema } from '../schema.ts';

/** What a day's limits left an attempt, as JSON; and the attempts of a day are found without reading all that ever were. */
export async function addAttemptBudget(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('attempts').addColumn('budget', 'text').execute();
  await sql`create index attempts_finished on attempts (finished_at) where finished_at is not null`.execute(
    db,
  );
}
