import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** How often a runner failed, and until when it is passed over. */
export async function addRunnerHealth(db: Kysely<Schema>): Promise<void> {
  for (const name of ['failures', 'takeovers', 'takeovers_since']) {
    await db.schema
      .alterTable('runners')
      .addColumn(name, 'bigint', (column) => column.notNull().defaultTo(0))
      .execute();
  }
  await db.schema.alterTable('runners').addColumn('quarantined_until', 'bigint').execute();
  await db.schema.alterTable('runners').addColumn('quarantine_reason', 'text').execute();
}
