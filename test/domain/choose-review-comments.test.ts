import { describe, expect, test } from 'vitest';
import { answerMarker } from '../../src/domain/answer-marker.ts';
import {
  chooseReviewWork,
  type ReviewCommentReading,
  type ReviewReading,
} from '../../src/domain/choose-review-comments.ts';
import type { Permission } from '../../src/domain/permission.ts';
import { laterMarker } from '../../src/domain/revision-text.ts';

const ASKED_AT = '2026-05-04T12:00:00Z';
const BOT = 'yardmaster[bot]';
const permissions = new Map<string, Permission>([
  ['rita', 'write'],
  ['adam', 'admin'],
  ['mallory', 'read'],
]);

function aComment(
  id: number,
  login: string,
  facts: Partial<ReviewCommentReading> = {},
): ReviewCommentReading {
  return {
    id,
    threadId: id,
    reviewId: null,
    body: `says ${login} in ${id}`,
    author: { login, id, isBot: login.endsWith('[bot]') },
    createdAt: '2026-05-04T11:00:00Z',
    updatedAt: '2026-05-04T11:00:00Z',
    path: 'src/cart.js',
    line: 7,
    startLine: null,
    hunk: '@@ -1 +1 @@\n+sum',
    ...facts,
  };
}

function choose(
  comments: ReviewCommentReading[],
  facts: { reviews?: ReviewReading[]; resolved?: number[]; sinceMs?: number } = {},
) {
  const { reviews = [], resolved = [], sinceMs = 0 } = facts;
  return chooseReviewWork({
    comments,
    reviews,
    at: ASKED_AT,
    permissions,
    resolved: new Set(resolved),
    botLogin: BOT,
    sinceMs,
  });
}

describe('threads', () => {
  test('only by people who may write; their own answers belong to them', () => {
    const { threads, commentsLeftOut } = choose([
      aComment(1, 'rita'),
      aComment(2, 'mallory'),
      aComment(3, 'mallory', { threadId: 1 }),
      aComment(4, 'adam', { threadId: 1 }),
      aComment(5, 'nobody-knows'),
    ]);

    expect(threads).toMatchObject([{ id: 1, path: 'src/cart.js', line: 7 }]);
    expect(threads[0]?.comments.map(({ author }) => author)).toEqual(['rita', 'adam']);
    expect(commentsLeftOut).toMatchObject({ untrusted: 3 });
  });

  test('whose commands we answered are not answered by that', () => {
    const marker = answerMarker({ repositoryId: 71, commentId: 2, place: 'thread' });

    const { threads } = choose([
      aComment(1, 'rita'),
      aComment(2, 'rita', { threadId: 1, body: '/agent status' }),
      aComment(3, BOT, { threadId: 1, body: `${marker}\n\nIt waits.` }),
    ]);

    expect(threads).toMatchObject([{ id: 1 }]);
  });

  test('with all lines that they are about, as GitHub has them now', () => {
    const { threads } = choose([
      aComment(1, 'rita', { startLine: 3 }),
      aComment(2, 'rita', { line: null, startLine: 3 }),
      // The line of its first comment is gone; that of the answer is still shown.
      aComment(3, 'rita', { line: null }),
      aComment(4, 'adam', { threadId: 3, line: 9, startLine: 8 }),
      aComment(5, 'rita', { line: 7, startLine: 7 }),
    ]);

    expect(threads.map(({ startLine, line }) => [startLine, line])).toEqual([
      [3, 7],
      [undefined, null],
      [8, 9],
      [undefined, 7],
    ]);
  });

  test('not when resolved, nor when ours is the last word of anybody who counts', () => {
    const { threads } = choose(
      [
        aComment(1, 'rita'),
        aComment(2, 'rita'),
        aComment(3, BOT, { threadId: 2 }),
        aComment(4, 'mallory', { threadId: 2 }),
        aComment(5, 'rita'),
        aComment(6, BOT, { threadId: 5 }),
        aComment(7, 'rita', { threadId: 5 }),
      ],
      { resolved: [1] },
    );

    expect(threads.map(({ id, comments }) => [id, comments.length])).toEqual([[5, 2]]);
  });

  test('not what was changed after it was asked for, nor other Apps', () => {
    const { threads, commentsLeftOut } = choose([
      aComment(1, 'rita', { updatedAt: '2026-05-04T12:05:00Z' }),
      aComment(2, 'linter[bot]'),
      // GitHub touches what is submitted with a review.
      aComment(3, 'rita', { updatedAt: '2026-05-04T12:00:02Z' }),
    ]);

    expect(threads.map(({ id }) => id)).toEqual([3]);
    expect(commentsLeftOut).toMatchObject({ edited: 1 });
  });

  test('as many as have room, however much is written', () => {
    const long = 'x'.repeat(60_000);
    const { threads, commentsLeftOut, laterThreads } = choose(
      Array.from({ length: 50 }, (_, at) => aComment(at + 1, 'rita', { body: long, hunk: long })),
    );

    expect(JSON.stringify(threads).length).toBeLessThan(60_000);
    expect(threads.length).toBeGreaterThan(3);
    expect(commentsLeftOut?.unread).toBe(50 - threads.length);
    expect(laterThreads.length).toBe(30);
    expect(laterThreads).not.toContain(threads.at(-1)?.id);
  });

  test('also when all that we said was that they come later', () => {
    const body = `${laterMarker(1)}\n\nLater.`;

    const { threads } = choose([aComment(1, 'rita'), aComment(2, BOT, { threadId: 1, body })]);

    expect(threads).toMatchObject([{ id: 1, comments: [{ author: 'rita' }] }]);
  });
});

describe('reviews', () => {
  const aReview = (id: number, login: string, facts: Partial<ReviewReading> = {}): ReviewReading => ({
    id,
    author: { login, id, isBot: false },
    state: 'CHANGES_REQUESTED',
    body: `review ${id}`,
    submittedAt: '2026-05-04T11:00:00Z',
    ...facts,
  });

  test('what was written about the whole since the last round', () => {
    const { reviews } = choose([], {
      reviews: [
        aReview(1, 'rita', { submittedAt: '2026-05-01T00:00:00Z' }),
        aReview(2, 'rita'),
        aReview(3, 'mallory'),
        aReview(4, 'adam', { submittedAt: null }),
      ],
      sinceMs: Date.parse('2026-05-02T00:00:00Z'),
    });

    expect(reviews.map(({ body }) => body)).toEqual(['review 2']);
  });

  test('asked again is whose last side is against it', () => {
    const { reviewers } = choose([], {
      reviews: [
        aReview(1, 'rita'),
        aReview(2, 'adam'),
        aReview(3, 'adam', { state: 'APPROVED' }),
        aReview(4, 'rita', { state: 'COMMENTED' }),
        aReview(5, 'mallory'),
      ],
    });

    expect(reviewers).toEqual(['rita']);
  });
});
