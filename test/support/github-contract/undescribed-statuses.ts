type Gap = { statuses: number[]; when?: (method: string, path: string) => boolean; reason: string };

const isRead = (method: string) => method === 'GET' || method === 'HEAD';

/** Answers that GitHub gives to any operation, though the description lists them for some only. */
const GAPS: Gap[] = [
  {
    statuses: [301],
    when: (_method, path) => path.startsWith('/repos/'),
    reason: 'the repository was renamed, or the issue transferred',
  },
  {
    statuses: [307],
    when: (method, path) => !isRead(method) && path.startsWith('/repos/'),
    reason: 'the repository was renamed, and the method must stay',
  },
  { statuses: [304], when: isRead, reason: 'every read can be conditional' },
  { statuses: [400], reason: 'the body is not JSON, or no such API version' },
  { statuses: [401], reason: 'bad or expired credentials' },
  { statuses: [403], reason: 'missing permission, suspension, archive, or rate limit' },
  { statuses: [404], reason: 'not there, or hidden from this token' },
  {
    statuses: [410],
    when: (_method, path) => path.includes('/issues'),
    reason: 'issue deleted, or issues disabled',
  },
  { statuses: [422], reason: 'validation failed' },
  { statuses: [429], reason: 'rate limit' },
  { statuses: [500, 502, 503, 504], reason: 'GitHub is ill' },
];

/** Whether GitHub is known to give this answer although its description does not say so. */
export function isUndescribedStatus(status: number, method: string, path: string): boolean {
  return GAPS.some((gap) => gap.statuses.includes(status) && (gap.when?.(method, path) ?? true));
}
