import { z } from 'zod';
import { NO_INSTALLATION, RepositoryPayload, toActor, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

const PullRequest = z.object({ number: z.int().positive() });

const ReviewPayload = RepositoryPayload.extend({
  pull_request: PullRequest,
  review: z.object({ id: z.int().positive(), state: z.string(), submitted_at: z.string().nullish() }),
});

const ThreadPayload = RepositoryPayload.extend({
  pull_request: PullRequest,
  thread: z.object({ comments: z.array(z.object({ id: z.int().positive() })) }),
});

/** `pull_request_review.submitted`: only those that want changes ask for anything. */
export const translateReview: Translator = translatorOf(ReviewPayload, (payload) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  const { review, pull_request: pull } = payload;
  // Webhooks write it in lower case, REST in upper case.
  if (review.state.toLowerCase() !== 'changes_requested') return meansNothing('the review wants no changes');
  const sender = toActor(payload);
  if (review.submitted_at == null) return meansNothing('the review is not submitted yet');
  return means({
    kind: 'review_submitted',
    key: `review:${target.repository.id}:${review.id}`,
    target,
    pullRequestNumber: pull.number,
    at: review.submitted_at,
    sender,
  });
});

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
