import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';

export const HOUR_MS = 60 * 60 * 1000;
/** What is noted as further ahead is of a clock that has been put back since; nobody waits for that. */
const AHEAD_MS = HOUR_MS / 6;

/** When coordinators may write on GitHub. Of each key, one transaction at a time is in these. */
export type WriteLimitQueries = {
  /** Takes the next start of this key; answers how long to wait for it, in ms. Starts are `spacingMs` apart. */
  takeStart(key: string, spacingMs: number, nowMs: number): Promise<number>;
  /** Takes one of `perHour` in any hour: 0 when it was taken, otherwise how long to wait until one is free, in ms. */
  takeOfHour(key: string, perHour: number, nowMs: number): Promise<number>;
};

export function createWriteLimitQueries(db: Kysely<Schema>, newId: () => string): WriteLimitQueries {
  return {
    async takeStart(key, spacingMs, nowMs) {
      const { next_start_at: nextMs } = await db
        .insertInto('write_turns')
        .values({ key: `start:${key}`, next_start_at: nowMs + spacingMs })
        .onConflict((conflict) =>
          conflict.column('key').doUpdateSet({
            next_start_at: sql<number>`case when write_turns.next_start_at between ${nowMs} and ${nowMs + AHEAD_MS}
              then write_turns.next_start_at + ${spacingMs} else ${nowMs + spacingMs} end`,
          }),
        )
        .returning('next_start_at')
        .executeTakeFirstOrThrow();
      return nextMs - spacingMs - nowMs;
    },

    async takeOfHour(key, perHour, nowMs) {
      // Its row makes others wait who ask for the same.
      await db
        .insertInto('write_turns')
        .values({ key: `hour:${key}`, next_start_at: 0 })
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ next_start_at: 0 }))
        .execute();
      const before = await db
        .selectFrom('recent_writes')
        .select('at')
        .where('key', '=', key)
        .where('at', '>', nowMs - HOUR_MS)
        .where('at', '<=', nowMs + AHEAD_MS)
        .orderBy('at', 'desc')
        .limit(1)
        .offset(perHour - 1)
        .executeTakeFirst();
      if (before !== undefined) return before.at + HOUR_MS - nowMs;
      await db.insertInto('recent_writes').values({ id: newId(), key, at: nowMs }).execute();
      return 0;
    },
  };
}
