import type { ReviewCommentReading, ReviewReading } from '../domain/choose-review-comments.ts';
import { parseComment } from '../domain/command-grammar.ts';
import { mayWrite } from '../domain/permission.ts';
import { toLateReviewText } from '../domain/revision-text.ts';
import type { ListedIssue } from '../github/sweep-reads.ts';
import { wantNote } from './notes.ts';
import type { SweepDeps, SweepLook } from './sweep-deps.ts';

/** GitHub touches the comments of a review once more when it is submitted. */
const TOLERANCE_MS = 3000;

/**
 * Takes what was said in reviews of our pull requests since then and no webhook told of: that changes are wanted, and commands in threads,
 * under the same keys as webhooks. GitHub does not tell whether the text of a review was changed since it was written, and by whom: commands in
 * it are not obeyed so late, which its pull request is told.
 *
 * Two requests for each pull request of ours that changed; `nextSince` as in `sweepComments`.
 */
export async function sweepReviews(
  looked: SweepLook,
  deps: Pick<SweepDeps, 'store' | 'github' | 'acceptTrigger' | 'toThreadTrigger' | 'timings'>,
): Promise<{ found: number; nextSince: string | null }> {
  const { target, since, notBefore, nowMs } = looked;
  let found = 0;
  let nextSince: string | null = null;
  for (const pull of looked.issues) {
    if (!pull.isPullRequest || pull.state === 'closed') continue;
    if ((await deps.store.jobs.ofPullRequest(target.repository.id, pull.number)) === null) continue;
    const { reviews, comments } = await deps.github.readReviews(target, pull.number);
    const submitted = new Map(reviews.map((review) => [review.id, review.submittedAt]));
    for (const review of reviews) {
      if (isDue(review.submittedAt)) found += await takeReview(pull, review, review.submittedAt);
    }
    for (const comment of comments.toSorted((a, b) => a.id - b.id)) {
      if (isDue(comment.updatedAt) && isAsWritten(comment, submitted)) found += await take(pull, comment);
    }
  }
  return { found, nextSince };

  function isDue(at: string | null): at is string {
    if (at === null || at < since || at <= notBefore) return false;
    if (nowMs - Date.parse(at) >= deps.timings.issueSweepGraceSeconds * 1000) return true;
    // Its webhook may still be on its way.
    if (nextSince === null || at < nextSince) nextSince = at;
    return false;
  }

  async function takeReview(pull: ListedIssue, review: ReviewReading, at: string): Promise<number> {
    const { id: reviewId, author: sender, state, body } = review;
    const { repository, installationId } = target;
    if (sender === null) return 0;
    const pullRequestNumber = pull.number;
    if (state === 'CHANGES_REQUESTED') {
      const key = `review:${repository.id}:${reviewId}`;
      const review = { target, pullRequestNumber, reviewId, at, sender };
      return count(await deps.acceptTrigger({ kind: 'review_submitted', key, ...review }));
    }
    const isHeard = await deps.store.memory.hasTrigger(`review_comment:${repository.id}:${reviewId}`);
    if (sender.isBot || isHeard || parseComment(body).kind === 'none') return 0;
    // Who may not command anything gets no lesson in it.
    if (!mayWrite(await deps.github.readPermission(target, sender.login))) return 0;
    const place = { installationId, repository, number: pull.number };
    const note = { key: `late-review:${repository.id}:${reviewId}`, text: toLateReviewText(sender.login) };
    return Number(await deps.store.transact((tx) => wantNote(tx, place, note)));
  }

  async function take(pull: ListedIssue, comment: ReviewCommentReading): Promise<number> {
    const trigger = deps.toThreadTrigger(target, pull, comment);
    return trigger === null ? 0 : count(await deps.acceptTrigger(trigger));
  }
}

/** Whoever changes a comment need not be its author. */
function isAsWritten(
  { createdAt, updatedAt, reviewId }: ReviewCommentReading,
  submitted: ReadonlyMap<number, string | null>,
): boolean {
  const sentAt = (reviewId === null ? null : submitted.get(reviewId)) ?? createdAt;
  return Date.parse(updatedAt) <= Date.parse(sentAt) + TOLERANCE_MS;
}

function count({ kind }: { kind: string }): number {
  return Number(kind !== 'ignored');
}
