import type { Kysely } from 'kysely';
import type { RepositoryRef } from '../contract/job.ts';
import type { Topic } from '../domain/decide-commands.ts';
import type { Schema } from './schema.ts';

/** A comment that holds commands. */
export type StoredCommand = {
  repository: RepositoryRef;
  commentId: number;
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

export type CommandQueries = {
  /** False, and nothing changed, if the comment is known. */
  insert(command: StoredCommand, nowMs: number): Promise<boolean>;
  get(repositoryId: number, commentId: number): Promise<StoredCommand | null>;
  decide(
    repositoryId: number,
    commentId: number,
    decided: Pick<StoredCommand, 'verdict' | 'reason' | 'topics'>,
  ): Promise<void>;
  /** Comments with commands that somebody has written in a repository since then. */
  countOf(repositoryId: number, sender: string, sinceMs: number): Promise<number>;
};

export function createCommandQueries(db: Kysely<Schema>): CommandQueries {
  return {
    async insert(command, nowMs) {
      const rows = await db
        .insertInto('commands')
        .values({
          repository_id: command.repository.id,
          comment_id: command.commentId,
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

    async get(repositoryId, commentId) {
      const row = await db
        .selectFrom('commands')
        .selectAll()
        .where('repository_id', '=', repositoryId)
        .where('comment_id', '=', commentId)
        .executeTakeFirst();
      if (!row) return null;
      return {
        // Written by `insert` and `decide`.
        repository: JSON.parse(row.repository) as RepositoryRef,
        commentId: row.comment_id,
        installationId: row.installation_id,
        issueNumber: row.issue_number,
        subjectNumber: row.subject_number,
        sender: row.sender,
        verdict: row.verdict,
        reason: row.reason,
        topics: JSON.parse(row.topics) as Topic[],
      };
    },

    async decide(repositoryId, commentId, { verdict, reason, topics }) {
      await db
        .updateTable('commands')
        .set({ verdict, reason, topics: JSON.stringify(topics) })
        .where('repository_id', '=', repositoryId)
        .where('comment_id', '=', commentId)
        .execute();
    },

    async countOf(repositoryId, sender, sinceMs) {
      const { count } = await db
        .selectFrom('commands')
        .select((eb) => eb.fn.countAll<number>().as('count'))
        .where('repository_id', '=', repositoryId)
        .where('sender', '=', sender)
        .where('created_at', '>=', sinceMs)
        .executeTakeFirstOrThrow();
      return count;
    },
  };
}
