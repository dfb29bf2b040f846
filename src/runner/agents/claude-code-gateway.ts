import type { ModelUpstream } from '../sandbox/model-gateway.ts';
import { ACCOUNT_VARIABLES, CREDENTIAL_VARIABLES } from './claude-code-environment.ts';

const DEFAULT_BASE_URL = 'https://api.anthropic.com';
/** Where Claude Code finds the gateway in its sandbox; a socket has no host, so the name is only for show. */
export const MODEL_SOCKET = '/run/yardmaster/model.sock';
const MODEL_URL = 'http://model.local';

/** A turn is a request; some are repeated after trouble, and some only count tokens. */
const REQUESTS_A_TURN = 4;
const MORE_REQUESTS = 20;

/**
 * Where an account's requests go, and with which header; `null` when nothing here pays, but a cloud that Claude Code signs in to by
 * itself. Of several credentials the one that Claude Code prefers.
 */
export function toModelUpstream(account: Readonly<Record<string, string>>): ModelUpstream | null {
  const name = CREDENTIAL_VARIABLES.find((variable) => (account[variable] ?? '') !== '');
  const secret = name === undefined ? undefined : account[name];
  if (secret === undefined) return null;
  return {
    baseUrl: account['ANTHROPIC_BASE_URL'] ?? DEFAULT_BASE_URL,
    socketPath: account['ANTHROPIC_UNIX_SOCKET'] ?? null,
    credential:
      name === 'ANTHROPIC_API_KEY'
        ? { header: 'x-api-key', value: secret }
        : { header: 'authorization', value: `Bearer ${secret}` },
  };
}

/** The account as the agent gets it: the kind of credential is the same, its value and address are the gateway's. */
export function toGatewayAccount(
  account: Readonly<Record<string, string>>,
  token: string,
): Record<string, string> {
  const name = CREDENTIAL_VARIABLES.find((variable) => (account[variable] ?? '') !== '');
  return {
    [name ?? 'ANTHROPIC_API_KEY']: token,
    ANTHROPIC_BASE_URL: MODEL_URL,
    ANTHROPIC_UNIX_SOCKET: MODEL_SOCKET,
  };
}

/** Variables of an agent's configuration without those that the gateway stands for. */
export function withoutAccount(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ACCOUNT_VARIABLES.includes(name)));
}

export function toMaxRequests(maxTurns: number): number {
  return maxTurns * REQUESTS_A_TURN + MORE_REQUESTS;
}
