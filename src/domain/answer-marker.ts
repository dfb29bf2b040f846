import type { CommentRef } from './trigger.ts';

const BEGINNING = '<!-- yardmaster:answer ';

/** The hidden mark by which the answer to a comment is found again. */
export function answerMarker({
  repositoryId,
  commentId,
  place,
}: { repositoryId: number } & CommentRef): string {
  return `${BEGINNING}repository=${repositoryId} ${place === 'conversation' ? 'comment' : place}=${commentId} -->`;
}

/** The hidden mark by which the answer to a press is found again. */
export function pressMarker(key: string): string {
  return `${BEGINNING}press=${key} -->`;
}

/** Whether a comment of ours answers a command: so it says nothing to what else is talked about where it stands. */
export function isCommandAnswer(body: string): boolean {
  return body.startsWith(BEGINNING);
}
