import type { ReviewCommentReading, ReviewReading } from '../domain/choose-review-comments.ts';
import type { Actor, RepositoryTarget } from '../domain/trigger.ts';
import { findOrCreate, isKind } from './find-or-create.ts';
import { type GitHubCall, ONCE, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

const PAGE_SIZE = 100;
/** Of comments the newest are read, of reviews, which GitHub lists in one order only, the oldest; more than this nobody writes. */
const MAX_PAGES = 5;

type User = { login: string; id: number; type: string } | null;

/** Reviews, their comments on lines, and the answers to those. */
export function createReviews({
  call,
  identity,
}: {
  call: GitHubCall;
  identity: GitHub['identity'];
}): Pick<GitHub, 'readReviews' | 'answerThread'> {
  return {
    async readReviews(target, pullRequestNumber) {
      const [comments, reviews] = await Promise.all([
        readComments(target, pullRequestNumber),
        readReviews(target, pullRequestNumber),
      ]);
      return { comments, reviews };
    },
    async answerThread(target, pullRequestNumber, { threadId, marker, body, mayExist }) {
      try {
        await findOrCreate({
          mayExist,
          find: () => findAnswer(target, pullRequestNumber, threadId, marker),
          create: async () => {
            await call(target.installationId, (octokit) =>
              octokit.rest.pulls.createReplyForReviewComment({
                ...toPath(target),
                ...ONCE,
                pull_number: pullRequestNumber,
                comment_id: threadId,
                body: `${marker}\n\n${body}`,
              }),
            );
            return true;
          },
        });
      } catch (error) {
        // The comment was deleted, or the conversation is locked: nobody is left to be answered.
        if (!isKind(error, 'gone') && !isKind(error, 'forbidden') && !isKind(error, 'invalid')) throw error;
      }
    },
  };

  async function findAnswer(
    target: RepositoryTarget,
    pullRequestNumber: number,
    threadId: number,
    marker: string,
  ): Promise<true | null> {
    const { bot } = await identity();
    const comments = await readComments(target, pullRequestNumber);
    const found = comments.some(
      (comment) =>
        comment.threadId === threadId &&
        comment.author?.login === bot.login &&
        comment.body.startsWith(marker),
    );
    return found ? true : null;
  }

  function readComments(target: RepositoryTarget, pull_number: number): Promise<ReviewCommentReading[]> {
    return readPages(async (page) => {
      const { data } = await call(target.installationId, (octokit) =>
        octokit.rest.pulls.listReviewComments({
          ...toPath(target),
          pull_number,
          sort: 'created',
          direction: 'desc',
          per_page: PAGE_SIZE,
          page,
        }),
      );
      return data.map((comment) => ({
        id: comment.id,
        threadId: comment.in_reply_to_id ?? comment.id,
        reviewId: comment.pull_request_review_id ?? null,
        body: comment.body,
        author: toActor(comment.user),
        createdAt: comment.created_at,
        updatedAt: comment.updated_at,
        path: comment.path,
        line: comment.line ?? null,
        // One that begins on the other side of the diff counts in another file's lines.
        startLine: comment.start_side === comment.side ? (comment.start_line ?? null) : null,
        hunk: comment.diff_hunk,
      }));
    });
  }

  function readReviews(target: RepositoryTarget, pull_number: number): Promise<ReviewReading[]> {
    return readPages(async (page) => {
      const { data } = await call(target.installationId, (octokit) =>
        octokit.rest.pulls.listReviews({ ...toPath(target), pull_number, per_page: PAGE_SIZE, page }),
      );
      return data.map((review) => ({
        id: review.id,
        author: toActor(review.user),
        state: review.state,
        body: review.body,
        submittedAt: review.submitted_at ?? null,
      }));
    });
  }
}

async function readPages<Thing>(readPage: (page: number) => Promise<Thing[]>): Promise<Thing[]> {
  const all: Thing[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const found = await readPage(page);
    all.push(...found);
    if (found.length < PAGE_SIZE) break;
  }
  return all;
}

/** GitHub gives `null` for an account that is gone. */
function toActor(user: User): Actor | null {
  return user === null ? null : { login: user.login, id: user.id, isBot: user.type === 'Bot' };
}
