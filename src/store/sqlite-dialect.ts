import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type Dialect, type DialectAdapter, SqliteAdapter, SqliteDialect } from 'kysely';

/** Prepared statements kept; the queries are few, their texts vary with the length of lists. */
const STATEMENTS_KEPT = 500;

/** How long another process (a backup, a look with the sqlite3 shell) may keep us waiting. */
const BUSY_TIMEOUT_MS = 5000;

/** Node's own SQLite behind Kysely: durable on every commit, one connection. */
export function createSqliteDialect(file: string): Dialect {
  return new TransactionalSqliteDialect({
    database: async () => {
      const database = openDatabase(file);
      const prepare = createStatementCache(database);
      return {
        prepare,
        // Kysely calls this once, when it is destroyed.
        close: () => database.close(),
      };
    },
  });
}

/** SQLite rolls back tables with everything else, though Kysely does not count on it: a migration is done whole or not at all. */
class TransactionalSqliteDialect extends SqliteDialect {
  override createAdapter(): DialectAdapter {
    return Object.defineProperty(new SqliteAdapter(), 'supportsTransactionalDdl', { value: true });
  }
}

function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  database.exec('pragma journal_mode = wal');
  // What was acknowledged survives a power cut, not only a crash of the process.
  database.exec('pragma synchronous = full');
  database.exec('pragma foreign_keys = on');
  return database;
}

type Statement = {
  reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
};

/** Preparing costs more than running; the oldest statement goes when there are too many. */
function createStatementCache(database: DatabaseSync): (sql: string) => Statement {
  const kept = new Map<string, Statement>();

  return (sql) => {
    const known = kept.get(sql);
    if (known) return known;
    const statement = adapt(database.prepare(sql));
    kept.set(sql, statement);
    const [oldest] = kept.keys();
    if (kept.size > STATEMENTS_KEPT && oldest !== undefined) kept.delete(oldest);
    return statement;
  };
}

function adapt(statement: StatementSync): Statement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...toInput(parameters)),
    run: (parameters) => statement.run(...toInput(parameters)),
    iterate: (parameters) => statement.iterate(...toInput(parameters)),
  };
}

/** Kysely leaves parameters untyped; the schema has only text, numbers, bytes and null. SQLite refuses anything else by itself. */
function toInput(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}
