import { z } from 'zod';
import { CommitId } from './identifiers.ts';
import { IssueComment, IssueSnapshot } from './issue-snapshot.ts';

/** Why a pull request of ours is reworked: a command, a review, conflicts with its base branch, or a failed check of somebody else. */
export const RevisionCause = z.enum(['asked', 'review', 'conflict', 'checks']);
export type RevisionCause = z.infer<typeof RevisionCause>;

/** A place in the pull request that reviewers talk about, with what people who may change the repository said there. Hostile text. */
export const ReviewThread = z.object({
  /** Its first comment's, by which it is answered. */
  id: z.int().positive(),
  path: z.string(),
  /** `null` when the pull request does not show the line any more. */
  line: z.int().positive().nullable(),
  /** Where it begins, when it is about several lines, of which `line` is the last; absent = about that one. Since 1.4. */
  startLine: z.int().positive().optional(),
  /** The lines of the diff that it is about; may be cut. */
  hunk: z.string(),
  /** Oldest first. */
  comments: z.array(IssueComment),
});
export type ReviewThread = z.infer<typeof ReviewThread>;

/** A check of somebody else that failed on the head of the pull request. Hostile text, cut where it is long. */
export const FailedCheck = z.object({
  name: z.string(),
  /** What it says of itself: title, summary, and the end of its log, as far as it shows one. */
  output: z.string(),
  annotations: z.array(z.object({ path: z.string(), line: z.int(), message: z.string() })),
});
export type FailedCheck = z.infer<typeof FailedCheck>;

/** What a job of kind `revise` is about, as it stood when it was asked for. */
export const Revision = z.object({
  pullRequest: z.object({ number: z.int().positive(), url: z.url() }),
  cause: RevisionCause,
  /** Counts all revisions of the pull request, from 1. */
  round: z.int().positive(),
  /** What reviewers said about the whole, oldest first. */
  reviews: z.array(IssueComment),
  /** Those without an answer. Agents and people know them by their places in this list, from 1. */
  threads: z.array(ReviewThread),
  commentsLeftOut: IssueSnapshot.shape.commentsLeftOut,
  checks: z.array(FailedCheck),
  /** Whether the base branch is merged in first, since GitHub can't merge the two. */
  mergeBase: z.boolean(),
  /** Where the base branch stands: what is merged, and where the repository's instructions for agents are read. */
  baseCommit: CommitId,
});
export type Revision = z.infer<typeof Revision>;
