import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** All that differs between the database engines; everything else is the same queries. */
export type Engine = {
  /** The column type for bytes. */
  bytesType: 'blob' | 'bytea';
  /** Whether rows can be locked one by one (`for update`, `skip locked`). Without it there is a single writer anyway. */
  rowLocks: boolean;
  /** The clock that counts: the database's own where several coordinators share it. */
  nowMs(db: Kysely<Schema>): Promise<number>;
  /** Until the end of the transaction, nobody else who asks for the same turn goes on. */
  takeTurn(tx: Kysely<Schema>, name: 'assign'): Promise<void>;
};

/** One process, one connection, one writer: SQLite serialises whole transactions. */
export function createSqliteEngine(clock: { nowMs(): number }): Engine {
  return {
    bytesType: 'blob',
    rowLocks: false,
    nowMs: async () => clock.nowMs(),
    takeTurn: async () => undefined,
  };
}
