import type { Kysely } from 'kysely';
import type { RepositoryRef } from '../contract/job.ts';
import type { Schema } from './schema.ts';

/** Something that is to be said once on an issue or pull request. */
export type StoredNote = {
  /** The same thing to say has the same key. */
  key: string;
  repository: RepositoryRef;
  installationId: number;
  /** Of the issue or pull request. */
  number: number;
  /** Markdown that is safe to show. */
  text: string;
};

/** Somebody wanted changes on a pull request while it was worked on already. */
type WaitingReview = {
  repositoryId: number;
  pullNumber: number;
  sender: { login: string; id: number };
  /** When, by GitHub's clock. */
  at: string;
};

/** What is known of the talk on pull requests. */
export type ReviewQueries = {
  /** Somebody calls a thread done, or not done any more; `threadId`: its first comment's. */
  noteThread(
    thread: { repositoryId: number; pullNumber: number; threadId: number; isResolved: boolean },
    nowMs: number,
  ): Promise<void>;
  /** Threads of a pull request that people call done, as far as we heard. */
  resolvedThreads(repositoryId: number, pullNumber: number): Promise<Set<number>>;
  /** False, and nothing happens, if there is one with that key. */
  insertNote(note: StoredNote, nowMs: number): Promise<boolean>;
  getNote(key: string): Promise<StoredNote | null>;
  /** It waits for the end of the work on its pull request, in the place of an earlier one: whatever was said before is looked at with it. */
  putWaiting(review: WaitingReview): Promise<void>;
  getWaiting(repositoryId: number, pullNumber: number): Promise<WaitingReview | null>;
  /** All that wait, in no order. */
  listWaiting(): Promise<WaitingReview[]>;
  /** Nothing waits there any more. */
  dropWaiting(repositoryId: number, pullNumber: number): Promise<void>;
};

export function createReviewQueries(db: Kysely<Schema>): ReviewQueries {
  return {
    async noteThread({ repositoryId, pullNumber, threadId, isResolved }, nowMs) {
      const columns = { resolved: Number(isResolved), updated_at: nowMs };
      await db
        .insertInto('review_threads')
        .values({ repository_id: repositoryId, thread_id: threadId, pull_number: pullNumber, ...columns })
        .onConflict((conflict) => conflict.columns(['repository_id', 'thread_id']).doUpdateSet(columns))
        .execute();
    },

    async resolvedThreads(repositoryId, pullNumber) {
      const rows = await db
        .selectFrom('review_threads')
        .select('thread_id')
        .where('repository_id', '=', repositoryId)
        .where('pull_number', '=', pullNumber)
        .where('resolved', '=', 1)
        .execute();
      return new Set(rows.map((row) => row.thread_id));
    },

    async insertNote(note, nowMs) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('notes')
        .values({
          key: note.key,
          repository_id: note.repository.id,
          installation_id: note.installationId,
          repository: JSON.stringify(note.repository),
          number: note.number,
          text: note.text,
          created_at: nowMs,
        })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return Number(numInsertedOrUpdatedRows ?? 0) > 0;
    },

    async getNote(key) {
      const row = await db.selectFrom('notes').selectAll().where('key', '=', key).executeTakeFirst();
      if (!row) return null;
      return {
        key: row.key,
        // Written by `insertNote`.
        repository: JSON.parse(row.repository) as RepositoryRef,
        installationId: row.installation_id,
        number: row.number,
        text: row.text,
      };
    },

    async putWaiting({ repositoryId, pullNumber, sender, at }) {
      const columns = { login: sender.login, user_id: sender.id, said_at: at };
      await db
        .insertInto('waiting_reviews')
        .values({ repository_id: repositoryId, pull_number: pullNumber, ...columns })
        .onConflict((conflict) => conflict.columns(['repository_id', 'pull_number']).doUpdateSet(columns))
        .execute();
    },

    async getWaiting(repositoryId, pullNumber) {
      const row = await db
        .selectFrom('waiting_reviews')
        .selectAll()
        .where('repository_id', '=', repositoryId)
        .where('pull_number', '=', pullNumber)
        .executeTakeFirst();
      return row ? toWaiting(row) : null;
    },

    async listWaiting() {
      const rows = await db.selectFrom('waiting_reviews').selectAll().execute();
      return rows.map(toWaiting);
    },

    async dropWaiting(repositoryId, pullNumber) {
      await db
        .deleteFrom('waiting_reviews')
        .where('repository_id', '=', repositoryId)
        .where('pull_number', '=', pullNumber)
        .execute();
    },
  };
}

function toWaiting(row: Schema['waiting_reviews']): WaitingReview {
  return {
    repositoryId: row.repository_id,
    pullNumber: row.pull_number,
    sender: { login: row.login, id: row.user_id },
    at: row.said_at,
  };
}
