import type { Kysely } from 'kysely';
import type { AttemptId, JobId } from '../contract/job.ts';
import type { JobEvent } from '../domain/job.ts';
import type { Schema } from './schema.ts';

/** What happened to jobs, and what their agents printed. */
export type TimelineQueries = {
  addEvent(event: JobEvent): Promise<void>;
  /** Oldest first. */
  eventsOf(jobId: JobId): Promise<JobEvent[]>;
  /** Appends bytes at their place in the attempt's log; a chunk that begins where another did is left alone. */
  addLogChunk(chunk: {
    attemptId: AttemptId;
    startOffset: number;
    data: Uint8Array;
    atMs: number;
  }): Promise<void>;
  /** The log from the chunk that holds byte `fromOffset` on, cut to begin there, at most `maxBytes` (whole chunks, at least one). */
  readLog(attemptId: AttemptId, fromOffset: number, maxBytes: number): Promise<Uint8Array>;
};

export function createTimelineQueries(db: Kysely<Schema>, newId: () => string): TimelineQueries {
  return {
    async addEvent(event) {
      await db
        .insertInto('job_events')
        .values({ id: newId(), job_id: event.jobId, at: event.atMs, kind: event.kind, text: event.text })
        .execute();
    },

    async eventsOf(jobId) {
      const rows = await db
        .selectFrom('job_events')
        .selectAll()
        .where('job_id', '=', jobId)
        .orderBy('id')
        .execute();
      return rows.map((row) => ({
        jobId,
        atMs: row.at,
        kind: row.kind,
        text: row.text,
      }));
    },

    async addLogChunk(chunk) {
      await db
        .insertInto('log_chunks')
        .values({
          attempt_id: chunk.attemptId,
          start_offset: chunk.startOffset,
          data: chunk.data,
          at: chunk.atMs,
        })
        .onConflict((conflict) => conflict.columns(['attempt_id', 'start_offset']).doNothing())
        .execute();
    },

    async readLog(attemptId, fromOffset, maxBytes) {
      const first = await db
        .selectFrom('log_chunks')
        .select('start_offset')
        .where('attempt_id', '=', attemptId)
        .where('start_offset', '<=', fromOffset)
        .orderBy('start_offset', 'desc')
        .limit(1)
        .executeTakeFirst();
      const startOffset = first?.start_offset ?? 0;
      const rows = await db
        .selectFrom('log_chunks')
        .select('data')
        .where('attempt_id', '=', attemptId)
        .where('start_offset', '>=', startOffset)
        .where('start_offset', '<', fromOffset + maxBytes)
        .orderBy('start_offset')
        .execute();
      const log = Buffer.concat(rows.map((row) => row.data));
      return log.subarray(Math.min(log.length, fromOffset - startOffset));
    },
  };
}
