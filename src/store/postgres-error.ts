import { StoreInUseError } from './store-use.ts';

/** The database that was configured can't be used; the message says what to do. It never holds the password. */
export class DatabaseUnusableError extends Error {
  override readonly name = 'DatabaseUnusableError';
}

/** Where a connection goes, without its secrets. */
export type DatabasePlace = {
  host: string;
  port: number;
  database?: string | undefined;
  user?: string | undefined;
};

/** The oldest version that the tests run on. */
export const OLDEST_VERSION = 15;

/** What went wrong at the start → what to do about it. Errors that say so themselves are passed on. */
export function explainDatabaseError(error: Error, place: DatabasePlace): Error {
  if (error instanceof DatabaseUnusableError || error instanceof StoreInUseError) return error;
  const advice = adviceFor(codeOf(error), place);
  const where = `PostgreSQL at ${place.host}:${place.port}, database “${place.database}”, user “${place.user}”`;
  return new DatabaseUnusableError(
    `${where}, can’t be used: ${advice ?? error.message} It is set by DATABASE_URL; without it, the coordinator uses its embedded store.`,
    { cause: error },
  );
}

export function explainVersion(version: string): DatabaseUnusableError {
  return new DatabaseUnusableError(
    `DATABASE_URL leads to PostgreSQL ${version}, which is too old: version ${OLDEST_VERSION} or newer is needed.`,
  );
}

/** Its own, or that of what it was caused by; empty when nobody gave one. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return 'code' in error && typeof error.code === 'string' ? error.code : codeOf(error.cause);
}

/** By the operating system's codes and PostgreSQL's SQLSTATEs; `undefined`: nothing better than the error's own words. */
function adviceFor(code: string, place: DatabasePlace): string | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there. Is the server running, and are host and port right?';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name is not known here. Is it spelt right?';
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'it can’t be reached. Does a firewall stand in between?';
    case '28P01':
      return 'the password is wrong.';
    case '28000':
      return 'the server lets nobody in from here like this. Its pg_hba.conf says who may; it may want ?sslmode=require.';
    case '3D000':
      return `there is no such database. Make it: createdb -O ${place.user} ${place.database}`;
    case '42501':
      return 'the user may not make tables there. Make it the owner of the database.';
    case '53300':
      return 'the server has no connection left. Raise its max_connections; each coordinator takes up to 11.';
    case '57P03':
      return 'the server is just starting or stopping. Start again in a moment.';
    default:
      return undefined;
  }
}
