import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Reviews that came while their pull request was worked on, and wait for the end of that. */
export async function addWaitingReviews(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('waiting_reviews')
    .addColumn('repository_id', 'bigint', (column) => column.notNull())
    .addColumn('pull_number', 'bigint', (column) => column.notNull())
    .addColumn('login', 'text', (column) => column.notNull())
    .addColumn('user_id', 'bigint', (column) => column.notNull())
    .addColumn('said_at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('waiting_reviews_key', ['repository_id', 'pull_number'])
    .execute();
}
