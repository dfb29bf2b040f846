import { z } from 'zod';

/** A comment on the issue by a person who may change the repository, as it was when the work was asked for. Hostile text all the same. */
export const IssueComment = z.object({
  author: z.string(),
  /** As GitHub writes it. */
  createdAt: z.string(),
  /** May be cut, which is said at its end. */
  body: z.string(),
});
export type IssueComment = z.infer<typeof IssueComment>;

/** The issue as it stood when the work was asked for. Later edits don't reach the agent. Hostile text. */
export const IssueSnapshot = z.object({
  number: z.int().positive(),
  id: z.int().positive(),
  title: z.string(),
  body: z.string(),
  author: z.string(),
  labels: z.array(z.string()),
  /** Name of the issue's type; absent where it has none. */
  type: z.string().optional(),
  htmlUrl: z.url(),
  /** Oldest first; absent where none were looked at. */
  comments: z.array(IssueComment).optional(),
  /** How many comments are not among them, and why. */
  commentsLeftOut: z
    .object({
      /** By people who may not change the repository. */
      untrusted: z.int().nonnegative(),
      /** Changed since the work was asked for. */
      edited: z.int().nonnegative(),
      /** Too many, or too long. */
      unread: z.int().nonnegative(),
    })
    .optional(),
});
export type IssueSnapshot = z.infer<typeof IssueSnapshot>;
