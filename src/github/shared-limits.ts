import { Redis } from 'ioredis';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { toError } from '../lib/to-error.ts';

const HOUR_MS = 60 * 60 * 1000;
/** A limiter that is asked before every write must not hold it up for long. */
const ANSWER_WITHIN_MS = 1000;
const CONNECT_WITHIN_MS = 5000;
const RECONNECT_EVERY_MS = 2000;

/** What coordinators that act for the same installations agree on. Calls answer `null` while nobody can be asked and each is to keep to its own. */
export type SharedLimits = {
  /** Takes the next start of this key; answers how long to wait for it, in ms. Starts of all coordinators are `spacingMs` apart. */
  takeStart(key: string, spacingMs: number): Promise<number | null>;
  /** Takes one of `perHour` in any hour: 0 when it was taken, otherwise how long to wait until one is free, in ms. */
  takeOfHour(key: string, perHour: number): Promise<number | null>;
};

/** Redis could not be used at the start; the message says what to do. */
export class RedisUnusableError extends Error {
  override readonly name = 'RedisUnusableError';
}

/** Redis's own clock, so that those of the machines don't matter. */
const NOW = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

const TAKE_START = `${NOW}
local start = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
redis.call('SET', KEYS[1], start + ARGV[1], 'PX', start - now + ARGV[1] + 1000)
return start - now`;

const TAKE_OF_HOUR = `${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
  return redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] + ARGV[2] - now
end
redis.call('ZADD', KEYS[1], now, ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0`;

/**
 * Limits that several coordinators share in Redis (`redis://` or `rediss://`, with its password). Throws `RedisUnusableError` when it can't
 * be used at the start; when it goes away later, each coordinator keeps to limits of its own until it is back, and the log says so.
 */
export async function openSharedLimits(deps: {
  url: string;
  /** Begins every key, so that Apps can share one Redis. */
  prefix: string;
  random: Random;
  log: Logger;
}): Promise<SharedLimits & { close(): Promise<void> }> {
  const { url, prefix, random, log } = deps;
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_WITHIN_MS,
    commandTimeout: ANSWER_WITHIN_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => RECONNECT_EVERY_MS,
  });
  let isAway = false;
  // Each failure is told by the call that met it; without a listener it would end the process.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    await redis.ping();
  } catch (thrown) {
    redis.disconnect();
    const { hostname, port } = new URL(url);
    throw new RedisUnusableError(
      `REDIS_URL: Redis at ${hostname}:${port || '6379'} can’t be used (${toError(thrown).message}). Start it, mend the address or the password, or take REDIS_URL out: the limits are then kept in the store.`,
      { cause: thrown },
    );
  }

  async function ask(script: string, key: string, values: (string | number)[]): Promise<number | null> {
    try {
      const answer = Number(await redis.eval(script, 1, `${prefix}${key}`, ...values));
      if (isAway) log.info({}, 'Redis is back; the limits of GitHub are shared again');
      isAway = false;
      return answer;
    } catch (error) {
      if (!isAway)
        log.warn(
          { err: error },
          'Redis is away: this coordinator keeps to GitHub’s limits by itself, as if it were the only one',
        );
      isAway = true;
      return null;
    }
  }

  return {
    takeStart: (key, spacingMs) => ask(TAKE_START, `start:${key}`, [spacingMs]),
    takeOfHour: (key, perHour) =>
      ask(TAKE_OF_HOUR, `hour:${key}`, [perHour, HOUR_MS, Buffer.from(random.bytes(12)).toString('hex')]),
    // Nothing is waiting for an answer any more.
    close: async () => redis.disconnect(),
  };
}
