import type { IssueComment, IssueSnapshot } from '../contract/issue-snapshot.ts';
import { mayWrite, type Permission } from './permission.ts';
import type { Actor } from './trigger.ts';

/** A comment as GitHub has it now. Times are GitHub's own, to the second. */
export type CommentReading = {
  id: number;
  body: string;
  /** `null` for an account that is gone. */
  author: Actor | null;
  createdAt: string;
  updatedAt: string;
};

/** When work was asked for, by GitHub's clock, and by which comment if it was one. */
export type Asking = { at: string; commentId: number | null };

/** Whoever else wrote something is not looked up, and so not trusted. */
const MAX_AUTHORS = 8;
const MAX_COMMENTS = 30;
/** Of one comment, and of all together: a job is kept with them, and sent to its runner. */
const MAX_CHARACTERS = 10_000;
const MAX_CHARACTERS_IN_ALL = 40_000;

/** People whose permission has to be known, those who spoke last first. */
export function findCommenters(comments: readonly CommentReading[], asking: Asking): string[] {
  const logins = comments
    .filter((comment) => isOfUse(comment, asking))
    .flatMap(({ author }) => author?.login ?? [])
    .toReversed();
  return [...new Set(logins)].slice(0, MAX_AUTHORS);
}

/**
 * What agents may read of the comments: those by people who may change the repository, as they stood when the work was asked for. What was
 * edited since then is left out, since nobody who asked has seen it; bots, commands, and what was said later are no part of it. The newest
 * count where there are too many. `unread`: how many older ones GitHub was not asked for.
 */
export function chooseComments(given: {
  comments: readonly CommentReading[];
  asking: Asking;
  /** By login, of those who were looked up. */
  permissions: ReadonlyMap<string, Permission>;
  unread: number;
}): { comments: IssueComment[]; commentsLeftOut: NonNullable<IssueSnapshot['commentsLeftOut']> } {
  const { asking, permissions } = given;
  const said = given.comments.filter((comment) => isOfUse(comment, asking));
  const trusted = said.filter(({ author }) => mayWrite(permissions.get(author?.login ?? '')));
  const unedited = trusted.filter(({ updatedAt }) => isBy(updatedAt, asking));
  const chosen: typeof unedited = [];
  let left = MAX_CHARACTERS_IN_ALL;
  for (const comment of unedited.toReversed().slice(0, MAX_COMMENTS)) {
    left -= Math.min(comment.body.length, MAX_CHARACTERS);
    if (left < 0) break;
    chosen.unshift(comment);
  }
  return {
    comments: chosen.map(({ author, createdAt, body }) => ({
      author: author?.login ?? '',
      createdAt,
      body: shorten(body),
    })),
    commentsLeftOut: {
      untrusted: said.length - trusted.length,
      edited: trusted.length - unedited.length,
      unread: given.unread + unedited.length - chosen.length,
    },
  };
}

/** Said by a person before the work was asked for, and more than a command. */
function isOfUse({ id, author, body, createdAt }: CommentReading, asking: Asking): boolean {
  if (author === null || author.isBot || id === asking.commentId || !isBy(createdAt, asking)) return false;
  return body.split('\n').some((line) => line.trim() !== '' && !/^\/agent\b/.test(line.trimStart()));
}

/** A time that can't be read is none that we may rely on. */
function isBy(time: string, { at }: Asking): boolean {
  return Date.parse(time) <= Date.parse(at);
}

function shorten(body: string): string {
  if (body.length <= MAX_CHARACTERS) return body;
  return `${body.slice(0, MAX_CHARACTERS).toWellFormed()}\n[cut here: the comment has ${body.length} characters]`;
}
