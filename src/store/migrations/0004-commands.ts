import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Comments that hold commands, and what came of them. */
export async function createCommands(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('commands')
    .addColumn('repository_id', 'bigint', (column) => column.notNull())
    .addColumn('comment_id', 'bigint', (column) => column.notNull())
    .addColumn('installation_id', 'bigint', (column) => column.notNull())
    .addColumn('repository', 'text', (column) => column.notNull())
    .addColumn('issue_number', 'bigint', (column) => column.notNull())
    .addColumn('subject_number', 'bigint', (column) => column.notNull())
    .addColumn('sender', 'text', (column) => column.notNull())
    .addColumn('verdict', 'text')
    .addColumn('reason', 'text')
    .addColumn('topics', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('commands_key', ['repository_id', 'comment_id'])
    .execute();
  await db.schema
    .createIndex('commands_sender')
    .on('commands')
    .columns(['repository_id', 'sender', 'created_at'])
    .execute();
  await db.schema.createIndex('commands_created').on('commands').columns(['created_at']).execute();
}
