import { z } from 'zod';
import { parseComment } from '../domain/command-grammar.ts';
import type { Actor, RepositoryTarget, Trigger } from '../domain/trigger.ts';
import type { ListedComment, ListedIssue } from '../github/sweep-reads.ts';
import { NO_INSTALLATION, RepositoryPayload, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translation, type Translator, means, meansNothing } from './translation.ts';

/** The fields of a comment that we read; webhooks and the REST API give the same. */
export const CommentFields = z.object({
  id: z.int().positive(),
  body: z.string().nullish(),
  created_at: z.string(),
  updated_at: z.string(),
  /** GitHub gives `null` for an account that is gone. */
  user: z.object({ login: z.string(), id: z.int(), type: z.string() }).nullable(),
});
export type CommentFields = z.infer<typeof CommentFields>;

/** The fields of the issue or pull request that was commented on. */
export const CommentedIssueFields = z.object({
  number: z.int().positive(),
  title: z.string(),
  body: z.string().nullish(),
  /** There for pull requests only. */
  pull_request: z.unknown().optional(),
});
export type CommentedIssueFields = z.infer<typeof CommentedIssueFields>;

const CommentPayload = RepositoryPayload.extend({ issue: CommentedIssueFields, comment: CommentFields });

/** `issue_comment.created`, on issues and on pull requests. Edits are never read: whoever edits a comment need not be its author. */
export const translateComment: Translator = translatorOf(CommentPayload, (payload) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  return toCommentTriggers({ target, issue: payload.issue, comment: payload.comment });
});

/**
 * What a comment means, as a webhook or the REST API tells of it: at most one trigger, for all of its commands. The key names the comment,
 * so it does not matter how often and by which way we learn of it.
 */
export function toCommentTriggers(found: {
  target: RepositoryTarget;
  issue: CommentedIssueFields;
  comment: CommentFields;
}): Translation {
  const { target, issue, comment } = found;
  if (comment.user === null) return meansNothing(NO_AUTHOR);
  if (comment.updated_at !== comment.created_at) return meansNothing('the comment was edited');
  const trigger = toCommandTrigger({
    target,
    issue: { ...issue, isPullRequest: issue.pull_request != null },
    comment: {
      id: comment.id,
      body: comment.body,
      at: comment.created_at,
      place: { kind: 'conversation' },
      review: null,
    },
    user: comment.user,
  });
  return trigger === null ? meansNothing(NO_COMMAND) : means(trigger);
}

export const NO_AUTHOR = 'the author of the comment is gone';
export const NO_COMMAND = 'the comment holds no command';

/** The commands of a comment, wherever it stands, as it was written; `null` when there is none. */
export function toCommandTrigger(found: {
  target: RepositoryTarget;
  issue: { number: number; title: string; body?: string | null | undefined; isPullRequest: boolean };
  comment: { id: number; body?: string | null | undefined } & Pick<CommandTrigger, 'at' | 'place' | 'review'>;
  user: NonNullable<CommentFields['user']>;
}): CommandTrigger | null {
  const { target, issue, comment, user } = found;
  const reading = parseComment(comment.body ?? '');
  if (reading.kind === 'none') return null;
  const sender: Actor = { login: user.login, id: user.id, isBot: user.type === 'Bot' };
  return {
    kind: 'comment',
    key: `${KEYS[comment.place.kind]}:${target.repository.id}:${comment.id}`,
    target,
    issueNumber: issue.number,
    isPullRequest: issue.isPullRequest,
    commentId: comment.id,
    place: comment.place,
    review: comment.review,
    at: comment.at,
    reading,
    issue: { title: issue.title, body: issue.body ?? '' },
    sender,
  };
}

export type CommandTrigger = Extract<Trigger, { kind: 'comment' }>;

const KEYS = { conversation: 'comment', thread: 'thread_comment', review: 'review_comment' } as const;

/** The same of a comment that a sweep found; `null` when it means nothing. */
export function toListedCommentTrigger(
  target: RepositoryTarget,
  issue: Pick<ListedIssue, 'number' | 'title' | 'body' | 'isPullRequest'>,
  comment: ListedComment,
): Trigger | null {
  const { number, title, body, isPullRequest } = issue;
  const { author } = comment;
  const translation = toCommentTriggers({
    target,
    issue: { number, title, body, pull_request: isPullRequest ? {} : undefined },
    comment: {
      id: comment.id,
      body: comment.body,
      created_at: comment.createdAt,
      updated_at: comment.updatedAt,
      user: author === null ? null : { ...author, type: author.isBot ? 'Bot' : 'User' },
    },
  });
  return translation.triggers[0] ?? null;
}
