import { expect, test } from 'vitest';
import type { TokenPurpose } from '../../src/contract/runner-api.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createJobTokens, type JobTokens } from '../../src/runner/job-tokens.ts';

test('the token of the acceptance serves until five minutes before its end, then one fresh one for all', async () => {
  const { tokens, asked, pass } = start();

  expect(await tokens.run()).toBe('first');
  pass(54 * 60_000);
  expect(await tokens.run()).toBe('first');
  pass(2 * 60_000);

  expect(await Promise.all([tokens.run(), tokens.run()])).toEqual(['run-1', 'run-1']);
  expect(asked).toEqual(['run']);
});

test('the right to publish is asked for each time', async () => {
  const { tokens, asked, seen } = start();

  await tokens.publish();
  await tokens.publish();

  expect(asked).toEqual(['publish', 'publish']);
  expect(seen).toEqual(['first', 'publish-1', 'publish-2']);
});

function start(): { tokens: JobTokens; asked: TokenPurpose[]; seen: string[]; pass(ms: number): void } {
  let passedMs = 0;
  const asked: TokenPurpose[] = [];
  const seen: string[] = [];
  const tokens = createJobTokens({
    channel: {
      token: async (purpose) => {
        asked.push(purpose);
        return { token: `${purpose}-${asked.length}`, expiresInSeconds: 3600 };
      },
    },
    first: { token: 'first', expiresInSeconds: 3600 },
    clock: { ...systemClock, monotonicMs: () => passedMs },
    signal: new AbortController().signal,
    onToken: (token) => void seen.push(token),
  });
  return { tokens, asked, seen, pass: (ms) => (passedMs += ms) };
}
