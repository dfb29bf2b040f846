import { type Dialect, PostgresDialect } from 'kysely';
import { type ClientBase, type ClientConfig, Pool, types, TypeOverrides } from 'pg';
import type { Logger } from '../lib/logger.ts';
import { openPostgresSocket } from './postgres-socket.ts';

/** Transactions are short and long polls hold no connection, so few are enough for many runners; several coordinators share the server. */
const MAX_CONNECTIONS = 10;
/** For a connection, new or out of the pool. */
const CONNECT_MS = 10_000;
/**
 * A coordinator that froze, or whose network is cut, must not keep the others from its locks for longer. Transactions take milliseconds
 * and wait for nothing but the database.
 */
const IDLE_IN_TRANSACTION_MS = 5000;
const STATEMENT_MS = 60_000;
/** Finds out about a cut connection that nobody says anything on. */
const KEEP_ALIVE_AFTER_MS = 10_000;
/** How long one that nobody needs is kept. */
const IDLE_MS = 10_000;

/** How every connection to the database at `url` is made. */
export function toClientConfig(url: string): ClientConfig {
  return {
    connectionString: url,
    application_name: 'yardmaster',
    connectionTimeoutMillis: CONNECT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    statement_timeout: STATEMENT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
  };
}

/**
 * PostgreSQL behind Kysely. 64-bit integers are numbers, as they are with SQLite. A connection on which nothing comes back for `silentMs`,
 * longer than any statement may take, is given up: what was asked on it fails, and the next call gets another. `prepare`: done on every
 * new connection.
 */
export function createPostgresDialect(
  config: ClientConfig,
  silentMs: number,
  log: Logger,
  prepare?: (client: ClientBase) => Promise<void>,
): Dialect {
  const overrides = new TypeOverrides();
  // Times in milliseconds and GitHub's ids stay far below 2^53.
  overrides.setTypeParser(types.builtins.INT8, Number);
  const pool = new Pool({
    ...config,
    max: MAX_CONNECTIONS,
    types: overrides,
    // What is idle is silent, too.
    idleTimeoutMillis: Math.min(IDLE_MS, silentMs / 2),
    stream: () => openPostgresSocket(silentMs),
    // The pool waits for it, which its types don't say.
    // oxlint-disable-next-line typescript/no-misused-promises
    ...(prepare ? { onConnect: prepare } : {}),
  });
  // Without a listener, the end of an idle connection would end the process; the pool replaces it by itself.
  pool.on('error', (error) => log.warn({ err: error }, 'An idle connection to PostgreSQL was lost'));
  // Nor may the end of one that is in use, between two statements of a transaction; the next statement fails by itself.
  pool.on('connect', (client) =>
    client.on('error', (error) => log.debug({ err: error }, 'A connection to PostgreSQL was lost')),
  );

  return new PostgresDialect({ pool });
}
