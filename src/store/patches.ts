import type { Kysely } from 'kysely';
import type { AttemptId, JobId } from '../contract/identifiers.ts';
import type { Schema } from './schema.ts';

/** Patches of work that was not pushed; forgotten by `prune` as runners forget theirs. Each call is one statement. */
export type PatchQueries = {
  keep(attemptId: AttemptId, patch: string, nowMs: number): Promise<void>;
  ofAttempt(attemptId: AttemptId): Promise<string | null>;
  /** That of the newest attempt that has one. */
  ofJob(jobId: JobId): Promise<string | null>;
};

export function createPatchQueries(db: Kysely<Schema>): PatchQueries {
  return {
    async keep(attemptId, patch, nowMs) {
      // As bytes: a text of PostgreSQL holds no NUL.
      await db
        .insertInto('patches')
        .values({ attempt_id: attemptId, data: Buffer.from(patch), at: nowMs })
        .execute();
    },

    async ofAttempt(attemptId) {
      const row = await db
        .selectFrom('patches')
        .select('data')
        .where('attempt_id', '=', attemptId)
        .executeTakeFirst();
      return toText(row);
    },

    async ofJob(jobId) {
      const row = await db
        .selectFrom('patches')
        .innerJoin('attempts', 'attempts.id', 'patches.attempt_id')
        .select('patches.data')
        .where('attempts.job_id', '=', jobId)
        .orderBy('attempts.number', 'desc')
        .executeTakeFirst();
      return toText(row);
    },
  };
}

function toText(row: { data: Uint8Array } | undefined): string | null {
  return row === undefined ? null : Buffer.from(row.data).toString('utf8');
}
