/**
 * How long to wait before attempt number `attempt` + 1, in milliseconds: anything from 0 to the doubled base ("full
 * jitter"), so that many who failed together don't come back together.
 *
 * `attempt` counts from 1; `random` gives 0 ≤ n < 1.
 */
export function backoffMs(options: {
  attempt: number;
  baseMs: number;
  maxMs: number;
  random: () => number;
}): number {
  const doublings = Math.max(0, options.attempt - 1);
  const ceilingMs = Math.min(options.maxMs, options.baseMs * 2 ** doublings);
  return Math.floor(options.random() * ceilingMs);
}
