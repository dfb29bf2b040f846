import type { Kysely } from 'kysely';
import type { AttemptId } from '../contract/identifiers.ts';
import type { RepositoryRef } from '../contract/job.ts';
import type { ButtonName } from '../domain/check-run-buttons.ts';
import type { CommentPlace, CommentRef } from '../domain/trigger.ts';
import type { Topic } from '../domain/decide-commands.ts';
import type { Schema } from './schema.ts';

/** A comment that holds commands. */
export type StoredCommand = {
  repository: RepositoryRef;
  commentId: number;
  place: CommentPlace;
  installationId: number;
  /** Where the comment is. */
  issueNumber: number;
  /** The issue whose work it is about: the same, or the one behind a pull request of ours. */
  subjectNumber: number;
  sender: string;
  /** `null`: read, and not yet decided. */
  verdict: 'accepted' | 'refused' | null;
  /** What a refusal says, as Markdown that is safe to show; `null`: nothing. */
  reason: string | null;
  /** What was asked about. */
  topics: Topic[];
};

/** Somebody has pressed a button of an attempt's check run. */
export type StoredPress = {
  /** Of its trigger. */
  key: string;
  repository: RepositoryRef;
  installationId: number;
  /** The issue of the job. */
  issueNumber: number;
  attemptId: AttemptId;
  button: ButtonName;
  sender: string;
  /** What a refusal says on the issue, as Markdown that is safe to show; `null`: nothing. */
  reason: string | null;
};

export type CommandQueries = {
  /** False, and nothing changed, if the comment is known. */
  insert(command: StoredCommand, nowMs: number): Promise<boolean>;
  get(repositoryId: number, comment: CommentRef): Promise<StoredCommand | null>;
  decide(
    repositoryId: number,
    comment: CommentRef,
    decided: Pick<StoredCommand, 'verdict' | 'reason' | 'topics'>,
  ): Promise<void>;
  insertPress(press: StoredPress, nowMs: number): Promise<void>;
  getPress(key: string): Promise<StoredPress | null>;
  /** Comments with commands that somebody has written in a repository since then, and buttons that they have pressed. */
  countOf(repositoryId: number, sender: string, sinceMs: number): Promise<number>;
};

export function createCommandQueries(db: Kysely<Schema>): CommandQueries {
  return {
    async insert(command, nowMs) {
      const rows = await db
        .insertInto('commands')
        .values({
          repository_id: command.repository.id,
          comment_id: toRowId({ commentId: command.commentId, place: command.place.kind }),
          thread_id: command.place.kind === 'thread' ? command.place.threadId : null,
          installation_id: command.installationId,
          repository: JSON.stringify(command.repository),
          issue_number: command.issueNumber,
          subject_number: command.subjectNumber,
          sender: command.sender,
          verdict: command.verdict,
          reason: command.reason,
          topics: JSON.stringify(command.topics),
          created_at: nowMs,
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning('comment_id')
        .execute();
      return rows.length > 0;
    },

    async get(repositoryId, comment) {
      const row = await db
        .selectFrom('commands')
        .selectAll()
        .where('repository_id', '=', repositoryId)
        .where('comment_id', '=', toRowId(comment))
        .executeTakeFirst();
      if (!row) return null;
      return {
        // Written by `insert` and `decide`.
        repository: JSON.parse(row.repository) as RepositoryRef,
        commentId: comment.commentId,
        place: toPlace(comment.place, row.thread_id),
        installationId: row.installation_id,
        issueNumber: row.issue_number,
        subjectNumber: row.subject_number,
        sender: row.sender,
        verdict: row.verdict,
        reason: row.reason,
        topics: JSON.parse(row.topics) as Topic[],
      };
    },

    async decide(repositoryId, comment, { verdict, reason, topics }) {
      await db
        .updateTable('commands')
        .set({ verdict, reason, topics: JSON.stringify(topics) })
        .where('repository_id', '=', repositoryId)
        .where('comment_id', '=', toRowId(comment))
        .execute();
    },

    async insertPress(press, nowMs) {
      await db
        .insertInto('presses')
        .values({
          key: press.key,
          repository_id: press.repository.id,
          installation_id: press.installationId,
          repository: JSON.stringify(press.repository),
          issue_number: press.issueNumber,
          attempt_id: press.attemptId,
          button: press.button,
          sender: press.sender,
          reason: press.reason,
          created_at: nowMs,
        })
        .execute();
    },

    async getPress(key) {
      const row = await db.selectFrom('presses').selectAll().where('key', '=', key).executeTakeFirst();
      if (!row) return null;
      return {
        // Written by `insertPress`.
        key: row.key,
        repository: JSON.parse(row.repository) as RepositoryRef,
        installationId: row.installation_id,
        issueNumber: row.issue_number,
        attemptId: row.attempt_id as AttemptId,
        button: row.button as ButtonName,
        sender: row.sender,
        reason: row.reason,
      };
    },

    async countOf(repositoryId, sender, sinceMs) {
      let count = 0;
      for (const table of ['commands', 'presses'] as const) {
        const row = await db
          .selectFrom(table)
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('repository_id', '=', repositoryId)
          .where('sender', '=', sender)
          .where('created_at', '>=', sinceMs)
          .executeTakeFirstOrThrow();
        count += row.count;
      }
      return count;
    },
  };
}

/**
 * The number of a comment's row. GitHub numbers the three kinds of comments apart, and the table is older than two of them: those have the
 * negative numbers.
 */
function toRowId({ commentId, place }: CommentRef): number {
  if (place === 'conversation') return commentId;
  return place === 'thread' ? -2 * commentId : -2 * commentId - 1;
}

/** `threadId` was stored by `insert`, where there is one. */
function toPlace(kind: CommentPlace['kind'], threadId: number | null): CommentPlace {
  return kind === 'thread' ? { kind, threadId: threadId ?? 0 } : { kind };
}
