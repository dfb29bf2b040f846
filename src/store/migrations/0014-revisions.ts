import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Work on open pull requests: what it is about, which threads of reviews people call done, and what is to be said once. */
export async function addRevisions(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('jobs').addColumn('revision', 'text').execute();
  await db.schema.alterTable('attempts').addColumn('base_head', 'text').execute();
  await db.schema
    .createTable('review_threads')
    .addColumn('repository_id', 'bigint', (column) => column.notNull())
    .addColumn('thread_id', 'bigint', (column) => column.notNull())
    .addColumn('pull_number', 'bigint', (column) => column.notNull())
    .addColumn('resolved', 'integer', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('review_threads_key', ['repository_id', 'thread_id'])
    .execute();
  await db.schema
    .createIndex('review_threads_pull')
    .on('review_threads')
    .columns(['repository_id', 'pull_number'])
    .execute();
  await db.schema
    .createTable('notes')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('repository_id', 'bigint', (column) => column.notNull())
    .addColumn('installation_id', 'bigint', (column) => column.notNull())
    .addColumn('repository', 'text', (column) => column.notNull())
    .addColumn('number', 'bigint', (column) => column.notNull())
    .addColumn('text', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('notes_created').on('notes').columns(['created_at']).execute();
}
