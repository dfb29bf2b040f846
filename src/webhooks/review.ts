import { z } from 'zod';
import type { ReviewCommentReading } from '../domain/choose-review-comments.ts';
import type { RepositoryTarget, Trigger } from '../domain/trigger.ts';
import type { ListedIssue } from '../github/sweep-reads.ts';
import {
  CommentFields,
  type CommandTrigger,
  NO_AUTHOR,
  NO_COMMAND,
  toCommandTrigger,
} from './issue-comment.ts';
import { NO_INSTALLATION, RepositoryPayload, toActor, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const PullRequest = z.object({ number: z.int().positive() });
/** What commands are judged by beside the comment. */
const CommentedPullRequest = PullRequest.extend({ title: z.string(), body: z.string().nullish() });

const ReviewPayload = RepositoryPayload.extend({
  pull_request: CommentedPullRequest,
  review: z.object({
    id: z.int().positive(),
    state: z.string(),
    submitted_at: z.string().nullish(),
    body: z.string().nullish(),
    user: CommentFields.shape.user,
  }),
});

const ThreadCommentPayload = RepositoryPayload.extend({
  pull_request: CommentedPullRequest,
  comment: CommentFields.extend({
    in_reply_to_id: z.int().positive().nullish(),
    pull_request_review_id: z.int().positive().nullish(),
  }),
});

const ThreadPayload = RepositoryPayload.extend({
  pull_request: PullRequest,
  thread: z.object({ comments: z.array(z.object({ id: z.int().positive() })) }),
});

/**
 * `pull_request_review.submitted`: the commands in its text, and that changes are wanted. Edits are another event, and never read.
 */
export const translateReview: Translator = translatorOf(ReviewPayload, (payload) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  const { review, pull_request: pull } = payload;
  if (review.submitted_at == null) return meansNothing('the review is not submitted yet');
  const { id, body, user, submitted_at: at } = review;
  // Webhooks write it in lower case, REST in upper case.
  const wantsChanges = review.state.toLowerCase() === 'changes_requested';
  const comment = { id, body, at, place: { kind: 'review' }, review: { id, wantsChanges } } as const;
  const issue = { ...pull, isPullRequest: true };
  const command = user === null ? null : toCommandTrigger({ target, issue, comment, user });
  if (!wantsChanges) return command === null ? meansNothing('the review wants no changes') : means(command);
  return means(...(command === null ? [] : [command]), {
    kind: 'review_submitted',
    key: `review:${target.repository.id}:${id}`,
    target,
    pullRequestNumber: pull.number,
    reviewId: id,
    at,
    sender: toActor(payload),
  });
});

/**
 * `pull_request_review_comment.created`, in a thread on lines. GitHub tells of those of a review when it is submitted, as they stand by then: until
 * then nobody but their author could see and change them.
 */
export const translateThreadComment: Translator = translatorOf(ThreadCommentPayload, (payload) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  const { comment, pull_request: pull } = payload;
  const { id, body, user } = comment;
  if (user === null) return meansNothing(NO_AUTHOR);
  const trigger = toThreadTrigger(target, pull, {
    id,
    body,
    // When it was sent: it may have been written long before.
    at: comment.updated_at,
    threadId: comment.in_reply_to_id ?? id,
    reviewId: comment.pull_request_review_id ?? null,
    user,
  });
  return trigger === null ? meansNothing(NO_COMMAND) : means(trigger);
});

type ThreadComment = Pick<CommandTrigger, 'at'> & {
  id: number;
  body?: string | null | undefined;
  threadId: number;
  reviewId: number | null;
  user: NonNullable<CommentFields['user']>;
};

function toThreadTrigger(
  target: RepositoryTarget,
  pull: z.infer<typeof CommentedPullRequest>,
  { user, threadId, reviewId, ...comment }: ThreadComment,
): CommandTrigger | null {
  const place = { kind: 'thread', threadId } as const;
  const review = reviewId === null ? null : { id: reviewId, wantsChanges: false };
  const issue = { ...pull, isPullRequest: true };
  return toCommandTrigger({ target, issue, comment: { ...comment, place, review }, user });
}

/** The same of a comment that a sweep found; `null` when it means nothing. */
export function toListedThreadTrigger(
  target: RepositoryTarget,
  pull: Pick<ListedIssue, 'number' | 'title' | 'body'>,
  { id, body, author, updatedAt: at, threadId, reviewId }: ReviewCommentReading,
): Trigger | null {
  if (author === null) return null;
  const user = { login: author.login, id: author.id, type: author.isBot ? 'Bot' : 'User' };
  return toThreadTrigger(target, pull, { id, body, at, threadId, reviewId, user });
}

/** `pull_request_review_thread.resolved` and `.unresolved`. GitHub's REST API does not tell of it. */
export function translateThread(isResolved: boolean): Translator {
  return translatorOf(ThreadPayload, (payload, guid) => {
    const target = toTarget(payload);
    if (target === null) return meansNothing(NO_INSTALLATION);
    const [first] = payload.thread.comments;
    if (first === undefined) return meansNothing('the thread has no comment');
    return means({
      kind: 'thread_turned',
      key: `thread:${guid}`,
      target,
      pullRequestNumber: payload.pull_request.number,
      threadId: first.id,
      isResolved,
    });
  });
}
