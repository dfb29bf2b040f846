import type { IssueComment } from '../contract/issue-snapshot.ts';
import type { ReviewThread, Revision } from '../contract/revision.ts';
import type { CommentReading } from './choose-comments.ts';
import { isCommandAnswer } from './answer-marker.ts';
import { mayWrite, type Permission } from './permission.ts';
import { isLaterNote } from './revision-text.ts';
import type { Actor } from './trigger.ts';

/** A comment on lines of a pull request, as GitHub has it now. */
export type ReviewCommentReading = CommentReading & {
  /** The first comment of its thread; its own when it is that. */
  threadId: number;
  /** That it came with; `null` where GitHub does not tell. */
  reviewId: number | null;
  path: string;
  line: number | null;
  /** The first of several lines, of which `line` is the last; `null` = it is about that one. */
  startLine: number | null;
  hunk: string;
};

/** A review as GitHub has it now. */
export type ReviewReading = {
  id: number;
  author: Actor | null;
  /** As GitHub writes it: `CHANGES_REQUESTED`. */
  state: string;
  body: string;
  /** `null`: it is still being written. */
  submittedAt: string | null;
};

/** What is to be done about a pull request, and whom to ask again afterwards. */
export type ReviewWork = Pick<Revision, 'reviews' | 'threads' | 'commentsLeftOut'> & {
  reviewers: string[];
  /** Threads that have no room among `threads`, by their ids; there may be more. */
  laterThreads: number[];
};

export type ReviewReadings = {
  comments: readonly ReviewCommentReading[];
  reviews: readonly ReviewReading[];
  /** When the work was asked for, by GitHub's clock. */
  at: string;
};

const MAX_AUTHORS = 8;
const MAX_THREADS = 30;
const MAX_REVIEWS = 10;
const MAX_REVIEWERS = 5;
/** Each of them is answered, which tells everybody who follows it. */
const MAX_LATER_THREADS = 30;
/** Of one comment, of a thread's part of the diff, and of all comments together: a job is kept with them, and sent to its runner. */
const MAX_CHARACTERS = 6000;
const MAX_HUNK_CHARACTERS = 1500;
const MAX_CHARACTERS_IN_ALL = 40_000;
/** GitHub touches the comments of a review once more when it is submitted, and its clocks are not all one. */
const TOLERANCE_MS = 60_000;

/** People whose permission has to be known besides those in `known`, those who spoke last first. */
export function findReviewers({ comments, reviews }: ReviewReadings, known: ReadonlySet<string>): string[] {
  const spoken = [
    ...comments.map(({ author, createdAt }) => ({ author, at: createdAt })),
    ...reviews.map(({ author, submittedAt }) => ({ author, at: submittedAt ?? '' })),
  ]
    // Whoever asks must not be crowded out by strangers.
    .filter(({ author }) => author !== null && !author.isBot && !known.has(author.login))
    .toSorted((a, b) => (a.at < b.at ? 1 : -1));
  return [...new Set(spoken.flatMap(({ author }) => author?.login ?? []))].slice(0, MAX_AUTHORS);
}

/**
 * What agents may read of a pull request's reviews: threads that nobody resolved, and in which a person who may change the repository spoke
 * after our last answer; and what such people wrote about the whole since `sinceMs`. What was changed after the work was asked for is left out.
 * `reviewers`: whose last word is that something has to change.
 */
export function chooseReviewWork(
  given: ReviewReadings & {
    /** By login, of those who were looked up. */
    permissions: ReadonlyMap<string, Permission>;
    /** Threads that people call done, by their ids. */
    resolved: ReadonlySet<number>;
    /** The login of our own answers. */
    botLogin: string;
    sinceMs: number;
  },
): ReviewWork {
  const { permissions, resolved, botLogin, at } = given;
  // Of bots, only one that asks and that the settings name is in it.
  const isTrusted = (author: Actor | null): boolean =>
    author !== null && mayWrite(permissions.get(author.login));
  const untilMs = Date.parse(at) + TOLERANCE_MS;
  const leftOut = { untrusted: 0, edited: 0, unread: 0 };
  let left = MAX_CHARACTERS_IN_ALL;

  const threads: ReviewThread[] = [];
  const laterThreads: number[] = [];
  const open = [...Map.groupBy(given.comments, ({ threadId }) => threadId)].filter(
    ([id]) => !resolved.has(id),
  );
  for (const [id, said] of open) {
    const inOrder = said.toSorted((a, b) => a.id - b.id);
    const answeredAt = inOrder.findLastIndex(
      ({ author, body }) =>
        author?.login.toLowerCase() === botLogin.toLowerCase() &&
        !isLaterNote(body) &&
        !isCommandAnswer(body),
    );
    const people = inOrder.filter(({ author }) => author !== null && (!author.isBot || isTrusted(author)));
    const trusted = people.filter(({ author }) => isTrusted(author));
    const unedited = trusted.filter(({ updatedAt }) => Date.parse(updatedAt) <= untilMs);
    const isNew = unedited.some((comment) => inOrder.indexOf(comment) > answeredAt);
    leftOut.untrusted += people.length - trusted.length;
    leftOut.edited += trusted.length - unedited.length;
    if (!isNew) continue;
    const comments = unedited.map(({ author, createdAt, body }) => toComment(author, createdAt, body));
    const length = comments.reduce((sum, { body }) => sum + body.length, 0);
    if (length > left || threads.length === MAX_THREADS) {
      leftOut.unread += comments.length;
      if (laterThreads.length < MAX_LATER_THREADS) laterThreads.push(id);
      continue;
    }
    left -= length;
    const last = inOrder.at(-1);
    const { path = '', hunk = '' } = inOrder[0] ?? {};
    const { line = null, startLine = null } = inOrder[0]?.line == null ? (last ?? {}) : inOrder[0];
    threads.push({
      id,
      path,
      line,
      ...(line === null || startLine === null || startLine >= line ? {} : { startLine }),
      hunk: hunk.slice(-MAX_HUNK_CHARACTERS),
      comments,
    });
  }

  const submitted = given.reviews.filter(({ submittedAt }) => Date.parse(submittedAt ?? '') <= untilMs);
  const words = submitted.filter(
    ({ body, author, submittedAt }) =>
      body.trim() !== '' && isTrusted(author) && Date.parse(submittedAt ?? '') > given.sinceMs,
  );
  const reviews = words.slice(-MAX_REVIEWS).flatMap(({ author, submittedAt, body }) => {
    const comment = toComment(author, submittedAt ?? '', body);
    left -= comment.body.length;
    return left < 0 ? [] : [comment];
  });
  leftOut.unread += words.length - reviews.length;

  const reviewers = findUnhappy(submitted, isTrusted);
  return { reviews, threads, commentsLeftOut: leftOut, reviewers, laterThreads };
}

/** Whose last review that takes a side wants changes. */
function findUnhappy(
  reviews: readonly ReviewReading[],
  isTrusted: (author: Actor | null) => boolean,
): string[] {
  const sides = new Map<string, string>();
  for (const { author, state } of reviews) {
    if (author !== null && !author.isBot && isTrusted(author) && state !== 'COMMENTED')
      sides.set(author.login, state);
  }
  return [...sides]
    .flatMap(([login, state]) => (state === 'CHANGES_REQUESTED' ? [login] : []))
    .slice(-MAX_REVIEWERS);
}

function toComment(author: Actor | null, createdAt: string, body: string): IssueComment {
  const isLong = body.length > MAX_CHARACTERS;
  const text = isLong
    ? `${body.slice(0, MAX_CHARACTERS).toWellFormed()}\n[cut here: the comment has ${body.length} characters]`
    : body;
  return { author: author?.login ?? '', createdAt, body: text };
}
