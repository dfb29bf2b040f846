import { expect, test } from 'vitest';
import type { RunnerRequest } from '../../src/contract/runner-api.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createJobTokens, type JobTokens } from '../../src/runner/job-tokens.ts';

const COMMIT = 'c'.repeat(40);

test('the token of the acceptance serves until five minutes before its end, then one fresh one for all', async () => {
  const { tokens, asked, pass } = start();

  expect(await tokens.run()).toBe('first');
  pass(54 * 60_000);
  expect(await tokens.run()).toBe('first');
  pass(2 * 60_000);

  expect(await Promise.all([tokens.run(), tokens.run()])).toEqual(['run-1', 'run-1']);
  expect(asked).toEqual([{ purpose: 'run', headCommit: null }]);
});

test('the right to publish is asked for each time, and says what is going to be pushed', async () => {
  const { tokens, asked, seen } = start();

  await tokens.publish(COMMIT);
  await tokens.publish(COMMIT);

  expect(asked).toEqual([
    { purpose: 'publish', headCommit: COMMIT },
    { purpose: 'publish', headCommit: COMMIT },
  ]);
  expect(seen).toEqual(['first', 'publish-1', 'publish-2']);
});

function start(): {
  tokens: JobTokens;
  asked: RunnerRequest<'token'>[];
  seen: string[];
  pass(ms: number): void;
} {
  let passedMs = 0;
  const asked: RunnerRequest<'token'>[] = [];
  const seen: string[] = [];
  const tokens = createJobTokens({
    channel: {
      token: async (request) => {
        asked.push(request);
        return { token: `${request.purpose}-${asked.length}`, expiresInSeconds: 3600 };
      },
    },
    first: { token: 'first', expiresInSeconds: 3600 },
    clock: { ...systemClock, monotonicMs: () => passedMs },
    signal: new AbortController().signal,
    onToken: (token) => void seen.push(token),
  });
  return { tokens, asked, seen, pass: (ms) => (passedMs += ms) };
}
