import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readClaudeLogin } from '../../../src/runner/agents/claude-code-login.ts';
import { makeAgentFolders } from '../../support/agent-folders.ts';

const NOW_MS = 1_800_000_000_000;

async function read(content: string | null): ReturnType<typeof readClaudeLogin> {
  await using folders = await makeAgentFolders();
  if (content !== null) await writeFile(join(folders.home, '.credentials.json'), content);
  return await readClaudeLogin(folders.home, NOW_MS);
}

function login(expiresAt?: number): string {
  return JSON.stringify({ claudeAiOauth: { accessToken: 'access', refreshToken: 'refresh', expiresAt } });
}

test('gives the access token, and only that', async () => {
  expect(await read(login(NOW_MS + 60_000))).toEqual({ ok: true, token: 'access' });
  expect(await read(login())).toEqual({ ok: true, token: 'access' });
});

test.each([
  ['no file', null, 'cannot be read'],
  ['no JSON', 'token', 'no login'],
  ['something else', '{"apiKey":"x"}', 'no login'],
  ['a login that has expired', login(NOW_MS - 1), 'has expired'],
])('%s: says why, and what to do', async (_what, content, reason) => {
  const answer = await read(content);

  expect(answer).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
  expect(answer).toMatchObject({ fix: expect.stringContaining('claude setup-token') });
});
