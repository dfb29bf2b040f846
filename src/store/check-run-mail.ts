import type { Kysely, Selectable } from 'kysely';
import type { AttemptId } from '../contract/identifiers.ts';
import { SLOT_STATES } from '../domain/job-lifecycle.ts';
import type { CheckRunMailRow, Schema } from './schema.ts';

/** What was said in an attempt's check run, between the coordinator and a runner that only reaches GitHub. */
export type CheckRunMail = {
  attemptId: AttemptId;
  /** There may still be something to say, or to hear. */
  open: boolean;
  /** Whose claim was acknowledged last; `null` = nobody's yet. */
  nonce: string | null;
  /** Of the newest report that was taken from `nonce`: older ones are replays. */
  number: number;
  /** How far the log goes that was taken from `nonce`, by its own count. */
  logEnd: number;
  heartbeatMs: number;
  /** What we last wrote; `null` = nothing, or it is not there any more. */
  sent: string | null;
  /** Of the state that was read last. */
  etag: string | null;
  lookedAtMs: number;
};

export type CheckRunMailChange = Partial<Omit<CheckRunMail, 'attemptId' | 'lookedAtMs'>>;

/** One row for each attempt that was ever offered to such a runner. Every call is one statement. */
export type CheckRunMailQueries = {
  get(attemptId: AttemptId): Promise<CheckRunMail | null>;
  /** An empty one, unless there is one: then it is opened again. */
  open(attemptId: AttemptId): Promise<void>;
  change(attemptId: AttemptId, change: CheckRunMailChange): Promise<void>;
  /** Attempts with open mail, and those that such a runner has and that have none yet. */
  watched(): Promise<AttemptId[]>;
  /** True for one caller only until `nowMs` is `everyMs` later: whoever it is true for looks. */
  takeLook(attemptId: AttemptId, everyMs: number, nowMs: number): Promise<boolean>;
};

export function createCheckRunMailQueries(db: Kysely<Schema>): CheckRunMailQueries {
  return {
    async get(attemptId) {
      const row = await db
        .selectFrom('check_run_mail')
        .selectAll()
        .where('attempt_id', '=', attemptId)
        .executeTakeFirst();
      return row ? toMail(row) : null;
    },

    async open(attemptId) {
      await db
        .insertInto('check_run_mail')
        .values({ attempt_id: attemptId, open: 1, number: 0, log_end: 0, heartbeat_ms: 0, looked_at: 0 })
        .onConflict((conflict) => conflict.column('attempt_id').doUpdateSet({ open: 1 }))
        .execute();
    },

    async change(attemptId, change) {
      if (Object.keys(change).length === 0) return;
      await db
        .updateTable('check_run_mail')
        .set({
          open: change.open === undefined ? undefined : Number(change.open),
          nonce: change.nonce,
          number: change.number,
          log_end: change.logEnd,
          heartbeat_ms: change.heartbeatMs,
          sent: change.sent,
          etag: change.etag,
        })
        .where('attempt_id', '=', attemptId)
        .execute();
    },

    async watched() {
      const open = await db
        .selectFrom('check_run_mail')
        .select('attempt_id as id')
        .where('open', '=', 1)
        .orderBy('attempt_id')
        .execute();
      const held = await db
        .selectFrom('jobs')
        .innerJoin('runners', 'runners.id', 'jobs.runner_id')
        .select('jobs.attempt_id as id')
        .where('jobs.state', 'in', SLOT_STATES)
        .where('runners.transport', '=', 'github')
        .orderBy('jobs.id')
        .execute();
      const ids = [...open, ...held].flatMap(({ id }) => (id === null ? [] : [id as AttemptId]));
      return [...new Set(ids)];
    },

    async takeLook(attemptId, everyMs, nowMs) {
      const rows = await db
        .updateTable('check_run_mail')
        .set({ looked_at: nowMs })
        .where('attempt_id', '=', attemptId)
        .where('looked_at', '<=', nowMs - everyMs)
        .returning('attempt_id')
        .execute();
      return rows.length > 0;
    },
  };
}

function toMail(row: Selectable<CheckRunMailRow>): CheckRunMail {
  return {
    // Written by this file from a value of this type.
    attemptId: row.attempt_id as AttemptId,
    open: row.open === 1,
    nonce: row.nonce,
    number: row.number,
    logEnd: row.log_end,
    heartbeatMs: row.heartbeat_ms,
    sent: row.sent,
    etag: row.etag,
    lookedAtMs: row.looked_at,
  };
}
