import { type Kysely, sql } from 'kysely';
import type { Timings } from '../domain/timings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { backoffMs } from '../lib/retry.ts';
import { createClaimantWatch } from './claimants.ts';
import type { Engine, Turn } from './engine.ts';
import { LOCK_CLASS } from './postgres-locks.ts';
import type { PostgresUse } from './postgres-use.ts';
import type { Schema } from './schema.ts';
import { StoreInUseError } from './store-use.ts';
import type { WakeTopic } from './wakes.ts';

/** The channel of LISTEN and NOTIFY. */
export const WAKE_CHANNEL = 'yardmaster_wake';

const TURNS: Readonly<Record<Turn, number>> = {
  assign: 1,
  'claim-delivery': 3,
  'claim-effect': 4,
};

/** Deadlock, serialization failure, and a row that another transaction was first to insert: by the next try they have passed. */
const PASSING_ERRORS: readonly unknown[] = ['40P01', '40001', '23505'];
const TRIES = 6;

/** Whoever changes something asks for the time first, so nothing is done beside a recovery, whatever became of the connection that holds the share. */
const LOST_SHARE =
  'The connection that keeps `yardmaster recover` and coordinators apart was lost, and somebody else has the database by now. Nothing is changed until that is over.';

/** Several coordinators, any number of connections: what must be one after the other says so by locks. */
export function createPostgresEngine(deps: {
  /** Differs from that of every other coordinator. */
  claimant: number;
  /** In place of the database's clock. */
  clock: Pick<Clock, 'nowMs'> | null;
  /** Times waits and absences of this process; the store's own time is the database's. */
  processClock: Clock;
  random: Random;
  timings: Pick<Timings, 'coordinatorGoneSeconds'>;
  use: Pick<PostgresUse, 'stillHeld'>;
  /** Hears every reading of the database's clock. */
  onTime: (nowMs: number) => void;
}): Engine {
  const { clock, processClock, random } = deps;
  const goneAfterMs = deps.timings.coordinatorGoneSeconds * 1000;
  const goneClaimants = createClaimantWatch(processClock, goneAfterMs, deps.claimant);

  async function transact<T>(db: Kysely<Schema>, work: (tx: Kysely<Schema>) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await db.transaction().execute(work);
      } catch (error) {
        if (attempt === TRIES || !isPassing(error)) throw error;
        const waitMs = backoffMs({ attempt, baseMs: 20, maxMs: 500, random: () => random.fraction() });
        await processClock.sleep(waitMs);
      }
    }
  }

  async function takeTurn(tx: Kysely<Schema>, turn: Turn): Promise<void> {
    await sql`select pg_advisory_xact_lock(${sql.lit(LOCK_CLASS.turns)}, ${sql.lit(TURNS[turn])})`.execute(
      tx,
    );
  }

  return {
    bytesType: 'bytea',
    positionFunction: 'strpos',
    rowLocks: true,
    claimant: deps.claimant,

    async tuneTables(db) {
      // Rows of these change many times and are soon done with. Without fresh statistics the planner takes the wrong index.
      for (const table of ['jobs', 'tasks', 'attempts', 'runners'] as const) {
        await sql`alter table ${sql.table(table)} set (
          autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
          autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500)`.execute(db);
      }
    },

    async nowMs(db) {
      if (clock) return clock.nowMs();
      // Not clock_timestamp(): that is volatile. Not now(): that is the transaction's start, which may have waited for a lock since.
      const { rows } = await sql<{
        now: number;
        held: boolean;
      }>`select (extract(epoch from statement_timestamp()) * 1000)::bigint as now, ${deps.use.stillHeld()} as held`.execute(
        db,
      );
      const [row] = rows;
      if (!row) throw new Error('PostgreSQL did not tell the time');
      if (!row.held) throw new StoreInUseError(LOST_SHARE);
      deps.onTime(row.now);
      return row.now;
    },

    transact,
    takeTurn,

    // In READ COMMITTED each statement sees what was committed before it began; so the turn is taken first, by a statement of its own.
    inTurn: (db, turn, work) =>
      transact(db, async (tx) => {
        await takeTurn(tx, turn);
        return work(tx);
      }),

    async announce(tx, topics) {
      const texts = [...topics].filter(isForOthers).map((topic) => toNotice(deps.claimant, topic));
      if (texts.length === 0) return;
      await sql`select pg_notify(${WAKE_CHANNEL}, text) from unnest(${texts}::text[]) as text`.execute(tx);
    },

    goneClaimants,
  };
}

/**
 * Long polls and pages wait wherever they came in, so they hear of every commit. Workers do not: whoever commits looks for work itself,
 * and all others at once would only stand in each other's way; they look now and then.
 */
function isForOthers(topic: WakeTopic): boolean {
  return /^(?:runner|job|log):/.test(topic);
}

/** A commit's news with its sender, who has told its own waiters already. */
function toNotice(claimant: number, topic: WakeTopic): string {
  return `${claimant} ${topic}`;
}

/** The topic, unless we sent it ourselves. */
export function fromNotice(text: string, self: number): WakeTopic | null {
  const [sender, topic] = text.split(' ', 2);
  // Written by `toNotice`, of this version or another; an unknown topic concerns nobody.
  return topic === undefined || sender === String(self) ? null : (topic as WakeTopic);
}

function isPassing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && PASSING_ERRORS.includes(error.code);
}
