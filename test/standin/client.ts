import { createPrivateKey, sign } from 'node:crypto';
import type { Standin } from '../../src/standin/create-github-standin.ts';

type Answer = {
  status: number;
  headers: Headers;
  /** Parsed JSON; tests look at single fields of it. */
  body: unknown;
};

export type Client = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>;

/** Sends plain requests as whoever the token belongs to; nobody without one. */
export function createClient(standin: { url: string }, token?: string): Client {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(new URL(`${standin.url}${path}`), {
      method,
      redirect: 'manual',
      headers: {
        accept: 'application/vnd.github+json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : parse(text),
    };
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * The App's JSON Web Token, good for nine minutes unless its claims are chosen otherwise. Times in seconds.
 */
export function appToken(
  app: { id: number; privateKey: string },
  claims: Record<string, unknown> = {},
  nowSeconds = Math.floor(Date.now() / 1000),
): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = { iat: nowSeconds - 30, exp: nowSeconds + 540, iss: app.id, ...claims };
  const signed = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(payload)}`;
  const signature = sign('RSA-SHA256', Buffer.from(signed), createPrivateKey(app.privateKey));
  return `${signed}.${signature.toString('base64url')}`;
}

/** A token of the installation, cut down as asked. */
export async function mintToken(
  standin: Standin,
  installationId: number,
  request: Record<string, unknown> = {},
  nowSeconds?: number,
): Promise<string> {
  const asApp = createClient(standin, appToken(standin.app, {}, nowSeconds));
  const { status, body } = await asApp('POST', `/app/installations/${installationId}/access_tokens`, request);
  if (status !== 201) throw new Error(`Minting answered ${status}: ${JSON.stringify(body)}`);
  return (body as { token: string }).token;
}
