import type { Kysely } from 'kysely';
import type { AttemptId, JobId } from '../contract/identifiers.ts';
import type { JobEvent } from '../domain/job.ts';
import type { Schema } from './schema.ts';

/** What happened to jobs, and what their agents printed. */
export type TimelineQueries = {
  addEvent(event: JobEvent): Promise<void>;
  /** Oldest first. */
  eventsOf(jobId: JobId): Promise<JobEvent[]>;
  /** How many events of this kind a job has had since then. */
  countEvents(jobId: JobId, kind: string, sinceMs: number): Promise<number>;
  /**
   * Appends bytes at their place in the attempt's log; a chunk that begins before the log's end is left alone. Small chunks share a
   * row, so that a log has few of them however it comes in. To be called by one transaction at a time, with the job locked.
   */
  addLogChunk(chunk: {
    attemptId: AttemptId;
    startOffset: number;
    data: Uint8Array;
    atMs: number;
  }): Promise<void>;
  /** The log from the chunk that holds byte `fromOffset` on, cut to begin there, at most `maxBytes` (whole chunks, at least one). */
  readLog(attemptId: AttemptId, fromOffset: number, maxBytes: number): Promise<Uint8Array>;
};

/** Up to here a row of the log grows, in bytes. */
const LOG_ROW_BYTES = 16 * 1024;

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

    async countEvents(jobId, kind, sinceMs) {
      const { count } = await db
        .selectFrom('job_events')
        .select((eb) => eb.fn.countAll().as('count'))
        .where('job_id', '=', jobId)
        .where('kind', '=', kind)
        .where('at', '>=', sinceMs)
        .executeTakeFirstOrThrow();
      return Number(count);
    },

    async addLogChunk(chunk) {
      const last = await db
        .selectFrom('log_chunks')
        .select(['start_offset', 'data'])
        .where('attempt_id', '=', chunk.attemptId)
        .orderBy('start_offset', 'desc')
        .limit(1)
        .executeTakeFirst();
      const end = last === undefined ? 0 : last.start_offset + last.data.length;
      if (chunk.startOffset < end) return;
      const size = (last?.data.length ?? 0) + chunk.data.length;
      if (last !== undefined && chunk.startOffset === end && size <= LOG_ROW_BYTES) {
        await db
          .updateTable('log_chunks')
          .set({ data: Buffer.concat([last.data, chunk.data]) })
          .where('attempt_id', '=', chunk.attemptId)
          .where('start_offset', '=', last.start_offset)
          .execute();
        return;
      }
      await db
        .insertInto('log_chunks')
        .values({
          attempt_id: chunk.attemptId,
          start_offset: chunk.startOffset,
          data: chunk.data,
          at: chunk.atMs,
        })
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
