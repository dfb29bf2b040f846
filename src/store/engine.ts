import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';
import type { WakeTopic } from './wakes.ts';

/** What only one at a time may do, over all coordinators of a database. */
export type Turn = 'assign' | 'claim-delivery' | 'claim-effect';

/** All that differs between the database engines; everything else is the same queries. */
export type Engine = {
  /** The column type for bytes. */
  bytesType: 'blob' | 'bytea';
  /** The function that tells where in a text another one begins, from 1, or 0. */
  positionFunction: 'instr' | 'strpos';
  /** Whether rows can be locked one by one (`for update`, `skip locked`). Without it there is a single writer anyway. */
  rowLocks: boolean;
  /** Names this coordinator in the tasks that it has claimed, so that others can tell when it is gone; `null` where there are no others. */
  claimant: number | null;
  /** Settings of the tables that only this engine knows; part of the first migration. */
  tuneTables(db: Kysely<Schema>): Promise<void>;
  /** The clock that counts: the database's own where several coordinators share it. */
  nowMs(db: Kysely<Schema>): Promise<number>;
  /** All of `work` or nothing of it. It is run again when the database gave it up for the sake of another transaction. */
  transact<T>(db: Kysely<Schema>, work: (tx: Kysely<Schema>) => Promise<T>): Promise<T>;
  /** Until the end of the transaction, nobody else who asks for the same turn goes on. */
  takeTurn(tx: Kysely<Schema>, turn: Turn): Promise<void>;
  /** One statement that must see everything that was done in this turn before; on its own or in the transaction at hand. */
  inTurn<T>(db: Kysely<Schema>, turn: Turn, work: (on: Kysely<Schema>) => Promise<T>): Promise<T>;
  /** Other coordinators hear of it, if and when the transaction commits. */
  announce(tx: Kysely<Schema>, topics: Iterable<WakeTopic>): Promise<void>;
  /** Claimants that are gone for certain, whose tasks need not wait for their leases to lapse. */
  goneClaimants(db: Kysely<Schema>): Promise<number[]>;
};

/** One process, one connection, one writer: SQLite serialises whole transactions. */
export function createSqliteEngine(clock: { nowMs(): number }): Engine {
  return {
    bytesType: 'blob',
    positionFunction: 'instr',
    rowLocks: false,
    claimant: null,
    tuneTables: async () => undefined,
    nowMs: async () => clock.nowMs(),
    transact: (db, work) => db.transaction().execute(work),
    takeTurn: async () => undefined,
    inTurn: (db, _turn, work) => work(db),
    announce: async () => undefined,
    goneClaimants: async () => [],
  };
}
