import type { Doer } from '../access/actor.ts';
import type { Objects } from '../git/objects.ts';
import { ApiError, notFound } from '../http/api-error.ts';
import { nodeId } from '../shapes/links.ts';
import type { Pull } from '../shapes/pull-shapes.ts';
import type { Shapes } from '../shapes/shapes.ts';
import type { Events } from '../webhooks/events.ts';
import type { Repository, Review, ReviewComment, ReviewState, World } from '../world.ts';

export const reviewEvents = ['APPROVE', 'REQUEST_CHANGES', 'COMMENT'] as const;
export type ReviewEvent = (typeof reviewEvents)[number];

const states: Record<ReviewEvent, ReviewState> = {
  APPROVE: 'APPROVED',
  REQUEST_CHANGES: 'CHANGES_REQUESTED',
  COMMENT: 'COMMENTED',
};

export type NewReviewComment = {
  path: string;
  line: number;
  side?: 'LEFT' | 'RIGHT' | undefined;
  /** Where it begins, when it is about several lines; its side is that of `line`, unless something else is said. */
  startLine?: number | undefined;
  startSide?: 'LEFT' | 'RIGHT' | undefined;
  body: string;
};

/** Reviews of pull requests, and comments on their lines. */
export function createReviewActions(deps: {
  world: World;
  clock: { nowMs(): number };
  objects: Objects;
  shapes: Shapes;
  events: Events;
}) {
  const { world, clock, objects, shapes, events } = deps;

  /** Sends `pull_request_review.submitted`, and `pull_request_review_comment.created` for each comment. */
  async function submit(
    repository: Repository,
    pull: Pull,
    by: Doer,
    wanted: { event: ReviewEvent; body: string; comments: NewReviewComment[] },
  ): Promise<Review> {
    if (by.account === pull.author && wanted.event !== 'COMMENT') {
      const what = wanted.event === 'APPROVE' ? 'approve' : 'request changes on';
      throw new ApiError(422, 'Unprocessable Entity', { errors: [`Can not ${what} your own pull request`] });
    }
    const review: Review = {
      id: world.newId('review'),
      pullNumber: pull.number,
      author: by.account,
      body: wanted.body,
      state: states[wanted.event],
      commitSha: pull.pull.headSha,
      submittedAtMs: clock.nowMs(),
    };
    const hunks = await hunksOf(repository, pull);
    for (const comment of wanted.comments) {
      if (!hunks.has(comment.path)) {
        throw new ApiError(422, 'Unprocessable Entity', { errors: ['Path could not be resolved'] });
      }
      const { line, side = 'RIGHT', startLine, startSide = side } = comment;
      if (startLine !== undefined && startSide === side && startLine >= line) {
        throw new ApiError(422, 'Unprocessable Entity', {
          errors: ['Start line must precede the end line.'],
        });
      }
    }
    repository.reviews.set(review.id, review);
    pull.updatedAtMs = review.submittedAtMs;
    pull.pull.requestedReviewers = pull.pull.requestedReviewers.filter((one) => one !== by.account);
    announceReview(repository, pull, review, by);
    for (const comment of wanted.comments) {
      addComment(repository, pull, by, {
        ...comment,
        review,
        inReplyTo: null,
        hunk: hunks.get(comment.path) ?? '',
      });
    }
    return review;
  }

  async function hunksOf(repository: Repository, pull: Pull): Promise<Map<string, string>> {
    const { baseSha, headSha } = pull.pull;
    const from = (await objects.mergeBase(repository.folder, baseSha, headSha)) ?? baseSha;
    const files = await objects.changes(repository.folder, from, headSha);
    return new Map(files.map((file) => [file.path, file.patch ?? '']));
  }

  function addComment(
    repository: Repository,
    pull: Pull,
    by: Doer,
    wanted: NewReviewComment & { review: Review; inReplyTo: number | null; hunk: string },
  ): ReviewComment {
    const now = clock.nowMs();
    const { side = 'RIGHT', startLine, startSide = side } = wanted;
    const comment: ReviewComment = {
      id: world.newId('reviewComment'),
      pullNumber: pull.number,
      reviewId: wanted.review.id,
      inReplyTo: wanted.inReplyTo,
      author: by.account,
      body: wanted.body,
      path: wanted.path,
      line: wanted.line,
      side,
      start: startLine === undefined ? null : { line: startLine, side: startSide },
      commitSha: pull.pull.headSha,
      diffHunk: wanted.hunk,
      reactions: [],
      createdAtMs: now,
      updatedAtMs: now,
    };
    repository.reviewComments.set(comment.id, comment);
    pull.updatedAtMs = now;
    events.inRepository(repository, 'pull_request_review_comment', 'created', by.account, {
      comment: shapes.pulls.reviewComment(repository, pull, comment),
      pull_request: shapes.pulls.simplePull(repository, pull),
    });
    return comment;
  }

  /** An answer to a comment on a line: a review of its own, as on GitHub. */
  function reply(
    repository: Repository,
    pull: Pull,
    by: Doer,
    commentId: number,
    body: string,
  ): ReviewComment {
    const first = repository.reviewComments.get(commentId);
    if (!first || first.pullNumber !== pull.number) throw notFound();
    const review: Review = {
      id: world.newId('review'),
      pullNumber: pull.number,
      author: by.account,
      body: '',
      state: 'COMMENTED',
      commitSha: pull.pull.headSha,
      submittedAtMs: clock.nowMs(),
    };
    repository.reviews.set(review.id, review);
    announceReview(repository, pull, review, by);
    const { path, line, side, start, diffHunk } = first;
    return addComment(repository, pull, by, {
      path,
      line,
      side,
      ...(start === null ? {} : { startLine: start.line, startSide: start.side }),
      body,
      review,
      inReplyTo: first.inReplyTo ?? first.id,
      hunk: diffHunk,
    });
  }

  /** Calls a thread done, or not done any more, by any of its comments. Its page shows it; REST does not. */
  function turnThread(
    repository: Repository,
    pull: Pull,
    by: Doer,
    commentId: number,
    isResolved: boolean,
  ): void {
    const comment = repository.reviewComments.get(commentId);
    if (!comment || comment.pullNumber !== pull.number) throw notFound();
    const first = comment.inReplyTo ?? comment.id;
    if (repository.resolvedThreads.has(first) === isResolved) return;
    if (isResolved) repository.resolvedThreads.add(first);
    else repository.resolvedThreads.delete(first);
    const comments = [...repository.reviewComments.values()]
      .filter((one) => one.id === first || one.inReplyTo === first)
      .map((one) => shapes.pulls.reviewComment(repository, pull, one));
    events.inRepository(
      repository,
      'pull_request_review_thread',
      isResolved ? 'resolved' : 'unresolved',
      by.account,
      {
        pull_request: shapes.pulls.simplePull(repository, pull),
        thread: { node_id: nodeId('PRRT', first), comments },
      },
    );
  }

  /** Takes back a review that approves or asks for changes. */
  function dismiss(repository: Repository, pull: Pull, review: Review, by: Doer): void {
    if (review.state !== 'APPROVED' && review.state !== 'CHANGES_REQUESTED') {
      throw new ApiError(422, 'Unprocessable Entity', {
        errors: ['Can not dismiss a commented pull request review'],
      });
    }
    review.state = 'DISMISSED';
    announceReview(repository, pull, review, by, 'dismissed');
  }

  /** Webhooks write the state in lower case, REST in upper case. */
  function announceReview(
    repository: Repository,
    pull: Pull,
    review: Review,
    by: Doer,
    action: 'submitted' | 'dismissed' = 'submitted',
  ): void {
    const shape = shapes.pulls.review(repository, pull, review);
    events.inRepository(repository, 'pull_request_review', action, by.account, {
      review: { ...shape, state: review.state.toLowerCase(), body: review.body === '' ? null : review.body },
      pull_request: shapes.pulls.simplePull(repository, pull),
    });
  }

  return { submit, reply, turnThread, dismiss };
}

export type ReviewActions = ReturnType<typeof createReviewActions>;
