import { createHash } from 'node:crypto';

/**
 * The entity tag of an answer. It differs between tokens although the content is the same, as GitHub's do: a
 * poller that rotates its token pays for the first request again.
 */
export function entityTag(body: string, credential: string): string {
  return `W/"${createHash('sha256').update(credential).update('\0').update(body).digest('hex')}"`;
}

/**
 * Whether the caller already has this answer: by entity tag when it sent one, else by the time of the last
 * change. Header names are in lower case.
 */
export function isUnchanged(
  requestHeaders: Record<string, string>,
  answer: { etag: string; lastModified: string | undefined },
): boolean {
  const tags = requestHeaders['if-none-match'];
  if (tags !== undefined) return tags.split(',').some((tag) => sameTag(tag.trim(), answer.etag));
  const since = Date.parse(requestHeaders['if-modified-since'] ?? '');
  return answer.lastModified !== undefined && Date.parse(answer.lastModified) <= since;
}

function sameTag(a: string, b: string): boolean {
  return a.replace(/^W\//, '') === b.replace(/^W\//, '');
}
