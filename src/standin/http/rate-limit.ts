import { ApiError } from './api-error.ts';

const hourMs = 3_600_000;
const anonymousPerHour = 60;

/** GitHub's primary rate limit: a budget an hour, one for each installation, user or address. */
export function createRateLimit(deps: { clock: { nowMs(): number }; perHour: number }) {
  const windows = new Map<string, { used: number; resetMs: number }>();

  function windowOf(bucket: string): { used: number; resetMs: number } {
    const known = windows.get(bucket);
    if (known && known.resetMs > deps.clock.nowMs()) return known;
    const fresh = { used: 0, resetMs: deps.clock.nowMs() + hourMs };
    windows.set(bucket, fresh);
    return fresh;
  }

  function limitOf(bucket: string): number {
    return bucket === 'anonymous' ? Math.min(anonymousPerHour, deps.perHour) : deps.perHour;
  }

  /** Limit, used, remaining, and the reset in epoch seconds. */
  function status(bucket: string): { limit: number; used: number; remaining: number; reset: number } {
    const { used, resetMs } = windowOf(bucket);
    const limit = limitOf(bucket);
    return { limit, used, remaining: Math.max(0, limit - used), reset: Math.floor(resetMs / 1000) };
  }

  function headers(bucket: string): Record<string, string> {
    const now = status(bucket);
    return {
      'x-ratelimit-limit': String(now.limit),
      'x-ratelimit-remaining': String(now.remaining),
      'x-ratelimit-used': String(now.used),
      'x-ratelimit-reset': String(now.reset),
      'x-ratelimit-resource': 'core',
    };
  }

  /**
   * Throws GitHub's 403 when the budget is used up. Counting is separate, since an unchanged answer costs
   * nothing.
   */
  function check(bucket: string): void {
    if (status(bucket).remaining > 0) return;
    const [kind, id] = bucket.split(':');
    const whose = kind === 'installation' ? `installation ID ${id}` : `user ID ${id ?? '127.0.0.1'}`;
    throw new ApiError(403, `API rate limit exceeded for ${whose}.`);
  }

  function count(bucket: string): void {
    windowOf(bucket).used += 1;
  }

  return { status, headers, check, count };
}

export type RateLimit = ReturnType<typeof createRateLimit>;
