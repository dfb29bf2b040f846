import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export const ENGINES = ['sqlite', 'postgres'] as const;
export type EngineName = (typeof ENGINES)[number];

/** The coordinators' database, looked at from outside while they run, are stopped or are dead. */
export type WatchedDatabase = {
  /** `null` for the embedded store. */
  url: string | null;
  query(sql: string): Promise<Record<string, unknown>[]>;
} & AsyncDisposable;

/** SQLite in the data folder of the first coordinator, or a database of its own on a real PostgreSQL. */
export async function watchDatabase(engine: EngineName, dataFolder: string): Promise<WatchedDatabase> {
  if (engine === 'postgres') {
    // Only a test has the shared server, and only there the module can be loaded.
    const { createTestDatabase } = await import('../../support/postgres.ts');
    return createTestDatabase();
  }
  // Opened at the first look: before, the coordinator may not have made it.
  let database: DatabaseSync | undefined;
  return {
    url: null,
    async query(sql) {
      database ??= new DatabaseSync(path.join(dataFolder, 'yardmaster.db'), { timeout: 5000 });
      return database.prepare(sql).all();
    },
    async [Symbol.asyncDispose]() {
      database?.close();
    },
  };
}
