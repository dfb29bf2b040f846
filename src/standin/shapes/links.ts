/**
 * Where the stand-in answers: REST root with the `/api/v3` prefix, and the website's root. Without trailing
 * slash.
 */
export type Links = { api: string; web: string };

/** ISO 8601 in whole seconds, as GitHub writes times. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

/** GitHub's opaque global id: a prefix for the kind, then something base64. */
export function nodeId(prefix: string, id: number | string): string {
  return `${prefix}_${Buffer.from(`standin:${id}`).toString('base64url')}`;
}
