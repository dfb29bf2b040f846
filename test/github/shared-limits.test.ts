import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openSharedLimits, RedisUnusableError } from '../../src/github/shared-limits.ts';
import { createWriteBudget } from '../../src/github/write-budget.ts';
import { createWriteSpacing } from '../../src/github/write-spacing.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { startRedis, whyNoRedis } from '../support/redis.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';

const whyNot = whyNoRedis();

describe.skipIf(whyNot !== null)(
  `limits that coordinators share${whyNot === null ? '' : ` (not here: ${whyNot})`}`,
  () => {
    test('writes of two coordinators are a spacing apart, and keys do not wait for each other', async () => {
      await using redis = await startRedis();
      const prefix = `${randomUUID()}:`;
      const [first, second] = [await open(redis.url, prefix), await open(redis.url, prefix)];

      const waits = await Promise.all([
        first.limits.takeStart('write:7', 1000),
        second.limits.takeStart('write:7', 1000),
        first.limits.takeStart('write:7', 1000),
        second.limits.takeStart('write:8', 1000),
      ]);

      const [a, b, c, other] = waits;
      const apart = [a ?? 0, b ?? 0, c ?? 0].sort((x, y) => x - y);
      expect(apart[0]).toBe(0);
      expect(apart[1]).toBeGreaterThan(800);
      expect((apart[2] ?? 0) - (apart[1] ?? 0)).toBeGreaterThan(800);
      expect(other).toBe(0);
      await Promise.all([first.limits.close(), second.limits.close()]);
    });

    test('two coordinators together have the writes of one hour, no more', async () => {
      await using redis = await startRedis();
      const prefix = `${randomUUID()}:`;
      const [first, second] = [await open(redis.url, prefix), await open(redis.url, prefix)];
      const budgets = [first, second].map(({ limits }) =>
        createWriteBudget({ perHour: 40, clock: systemClock, shared: limits }),
      );

      const takes = await Promise.allSettled(
        Array.from({ length: 100 }, (_, index) => budgets[index % 2]?.take('7') ?? Promise.resolve()),
      );

      expect(takes.filter(({ status }) => status === 'fulfilled')).toHaveLength(40);
      const [refusal] = takes.flatMap((take) => (take.status === 'rejected' ? [take.reason as object] : []));
      expect(refusal).toMatchObject({ kind: 'rate_limited', retryAfterMs: expect.any(Number) });
      await Promise.all([first.limits.close(), second.limits.close()]);
    });

    test('while Redis is away each keeps to limits of its own, and says so once; then they share again', async () => {
      const redis = await startRedis();
      const { limits, lines } = await open(redis.url, `${randomUUID()}:`);
      const budget = createWriteBudget({ perHour: 2, clock: systemClock, shared: limits });
      const spacing = createWriteSpacing({
        spacingMs: 5,
        clock: systemClock,
        shared: { limits, name: 'write' },
      });
      await budget.take('7');

      await redis.stop();
      await budget.take('7');
      await budget.take('7');
      const overItsOwn = budget.take('7');
      await expect(overItsOwn).rejects.toMatchObject({ kind: 'rate_limited' });
      expect(await spacing.key('7').schedule({}, async () => 'written')).toBe('written');
      await using back = await startRedis(redis.port);
      await until('Redis is used again', async () => (await limits.takeStart('x', 1)) !== null);

      expect(back.url).toBe(redis.url);
      const said = lines.map(({ msg }) => String(msg)).filter((text) => text.includes('Redis'));
      expect(said).toEqual([
        expect.stringMatching(/^Redis is away/),
        expect.stringMatching(/^Redis is back/),
      ]);
      expect(JSON.stringify(lines)).not.toContain(redis.password);
      await limits.close();
    });
  },
);

test('a Redis that can’t be used at the start is told with what to do, and without its password', async () => {
  const opening = openSharedLimits({
    url: 'redis://:redis-secret-4711@127.0.0.1:1',
    prefix: '',
    random: systemRandom,
    log: createTestLogger(),
  });

  await expect(opening).rejects.toThrow(RedisUnusableError);
  await expect(opening).rejects.toThrow(/Redis at 127\.0\.0\.1:1 can’t be used.*take REDIS_URL out/);
  await expect(opening).rejects.not.toThrow(/4711/);
});

async function open(url: string, prefix: string) {
  const lines: Record<string, unknown>[] = [];
  const limits = await openSharedLimits({ url, prefix, random: systemRandom, log: createTestLogger(lines) });
  return { limits, lines };
}
