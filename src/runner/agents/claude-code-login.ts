import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const CREDENTIALS_FILE = '.credentials.json';

const Credentials = z.object({
  claudeAiOauth: z.object({
    accessToken: z.string().min(1),
    /** Milliseconds since the epoch. */
    expiresAt: z.number().nullish(),
  }),
});

export type ClaudeLogin = { ok: true; token: string } | { ok: false; reason: string; fix: string };

/**
 * The access token of a Claude Code that is logged in, from its folder (`~/.claude`).
 *
 * Only this token is used, and given to the agent as a variable. The folder is never copied or mounted: its settings
 * and hooks are not for strangers' repositories, and its refresh token in the hands of an agent would be the whole
 * account; two holders of one refresh token would also log each other out.
 */
export async function readClaudeLogin(folder: string, nowMs: number): Promise<ClaudeLogin> {
  const file = join(folder, CREDENTIALS_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    // Whatever keeps us from reading it, the way out is the same.
    return refused(`${file} cannot be read`);
  }
  const parsed = Credentials.safeParse(parseJson(text));
  if (!parsed.success) return refused(`${file} holds no login of Claude Code`);
  const { accessToken, expiresAt } = parsed.data.claudeAiOauth;
  if (typeof expiresAt === 'number' && expiresAt <= nowMs) return refused(`the login in ${file} has expired`);
  return { ok: true, token: accessToken };
}

function refused(reason: string): ClaudeLogin {
  return {
    ok: false,
    reason,
    fix: 'Run `claude setup-token` and put the token in CLAUDE_CODE_OAUTH_TOKEN of the runner, or start `claude` there once to log in again',
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Reported as a file without a login.
    return null;
  }
}
