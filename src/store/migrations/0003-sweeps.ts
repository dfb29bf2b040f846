import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** What the sweeps keep: when each is due, the repositories they go through, and what renamed labels stand for. */
export async function createSweeps(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('sweeps')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('due_at', 'bigint', (column) => column.notNull())
    .addColumn('lease_until', 'bigint', (column) => column.notNull())
    .addColumn('mark', 'text')
    .execute();
  await db.schema
    .createTable('repositories')
    .addColumn('id', 'bigint', (column) => column.primaryKey())
    .addColumn('installation_id', 'bigint', (column) => column.notNull())
    .addColumn('repository', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('label_aliases')
    .addColumn('repository_id', 'bigint', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('stands_for', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('label_aliases_pk', ['repository_id', 'name'])
    .execute();
}
