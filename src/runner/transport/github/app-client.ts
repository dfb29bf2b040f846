import { Octokit } from '@octokit/core';
import { RequestError } from '@octokit/request-error';
import githubAppJwt from 'universal-github-app-jwt';
import type { Clock } from '../../../lib/clock.ts';
import { toError } from '../../../lib/to-error.ts';
import { unlessAborted } from '../../../lib/unless-aborted.ts';
import { TransportError } from '../transport-error.ts';
import type { RequestBudget } from './request-pace.ts';

const TIMEOUT_MS = 30_000;
const API_VERSION = '2022-11-28';
/** GitHub asks for at least a minute when it limits without saying for how long. */
const LIMIT_WAIT_MS = 60_000;
const MAX_LIMIT_WAIT_MS = 3_600_000;
/** A token that was just minted may be unknown to GitHub for some seconds. */
const FRESH_TOKEN_MS = 10_000;

/** Who asks: the App itself, or whoever the token is for. */
export type Credential = 'app' | { token: string };

export type Answer = { status: number; data: unknown };

/**
 * GitHub's REST API for a runner that holds the App's key. Every call is one try and throws `TransportError`:
 * - `unavailable`: network, 5xx, a limit: later it may go well; while a limit lasts nothing is sent at all
 * - `refused`: a repeat gets the same answer; `status` tells which
 */
export type AppClient = {
  send(
    credential: Credential,
    route: string,
    parameters: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<Answer>;
  /**
   * A read that costs nothing of the request budget when nothing has changed since the last one under the same credential; then
   * `isNew` is false and `data` is what it was.
   */
  readAgain(
    credential: Credential,
    route: string,
    parameters: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<{ data: unknown; isNew: boolean }>;
  /** Forgets what was read of this route, for things that are not looked at any more. */
  forget(route: string, parameters: Record<string, unknown>): void;
  /** A token for an installation, in all its repositories or in one. */
  mint(
    installationId: number,
    scope: { repositoryId: number | null; permissions: Readonly<Record<string, 'read' | 'write'>> },
    signal: AbortSignal,
  ): Promise<{ token: string; expiresInSeconds: number }>;
  /** Ends a token. Never throws: it ends by itself within the hour. */
  revoke(token: string, signal: AbortSignal): Promise<void>;
  /** Whether a token that was minted here was neither refused by GitHub so far (an uninstalled or suspended App) nor revoked. */
  isAlive(token: string): boolean;
  /** As GitHub told it last; `null` = not yet. */
  budget(): RequestBudget | null;
};

export function createAppClient(options: {
  apiUrl: string;
  appId: number;
  /** PEM. */
  privateKey: string;
  fetch: typeof fetch;
  clock: Clock;
  userAgent: string;
  /** Told each token before it is used, so that logs can mask it. */
  onToken(token: string): void;
}): AppClient {
  const { clock } = options;
  const octokit = new Octokit({
    baseUrl: options.apiUrl,
    userAgent: options.userAgent,
    request: { fetch: options.fetch },
  });
  const known = new Map<string, { etag: string; token: string; data: unknown }>();
  const mintedAtMs = new Map<string, number>();
  let budget: RequestBudget | null = null;
  let limitedUntilMs = 0;

  return {
    send: async (credential, route, parameters, signal) => {
      const { status, data } = await request(credential, route, parameters, signal);
      return { status, data };
    },
    readAgain: async (credential, route, parameters, signal) => {
      const place = toPlace(route, parameters);
      const before = known.get(place);
      const token = credential === 'app' ? '' : credential.token;
      // Entity tags are of one token.
      const headers = before !== undefined && before.token === token ? { 'if-none-match': before.etag } : {};
      const answer = await request(credential, route, { ...parameters, headers }, signal);
      if (answer.status === 304) return { data: before?.data, isNew: false };
      const { etag } = answer.headers;
      if (typeof etag === 'string') known.set(place, { etag, token, data: answer.data });
      return { data: answer.data, isNew: true };
    },
    forget: (route, parameters) => void known.delete(toPlace(route, parameters)),
    mint: async (installationId, { repositoryId, permissions }, signal) => {
      const { data } = await request(
        'app',
        'POST /app/installations/{installation_id}/access_tokens',
        {
          installation_id: installationId,
          permissions,
          ...(repositoryId === null ? {} : { repository_ids: [repositoryId] }),
        },
        signal,
      );
      const { token, expires_at: expiresAt } = data as { token: string; expires_at: string };
      options.onToken(token);
      mintedAtMs.set(token, clock.monotonicMs());
      const expiresInSeconds = Math.max(1, (Date.parse(expiresAt) - clock.nowMs()) / 1000);
      return { token, expiresInSeconds };
    },
    revoke: async (token, signal) => {
      // It ends by itself within the hour.
      await request({ token }, 'DELETE /installation/token', {}, signal).catch(() => undefined);
      mintedAtMs.delete(token);
    },
    isAlive: (token) => mintedAtMs.has(token),
    budget: () => budget,
  };

  async function request(
    credential: Credential,
    route: string,
    parameters: Record<string, unknown> & { headers?: Record<string, string> },
    signal: AbortSignal,
  ): Promise<Answer & { headers: Record<string, unknown> }> {
    signal.throwIfAborted();
    const waitMs = limitedUntilMs - clock.monotonicMs();
    if (waitMs > 0) {
      throw new TransportError('unavailable', `GitHub limits us for another ${Math.ceil(waitMs / 1000)} s`);
    }
    const authorization = await toAuthorization(credential);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const sent = octokit.request(route, {
        ...parameters,
        headers: { ...parameters.headers, authorization, 'x-github-api-version': API_VERSION },
        request: { signal: limit },
      });
      const { status, headers, data } = await unlessAborted(sent, limit);
      noteBudget(credential, headers);
      return { status, headers, data: data as unknown };
    } catch (thrown) {
      signal.throwIfAborted();
      if (!(thrown instanceof RequestError) || thrown.response === undefined) {
        throw new TransportError('unavailable', `GitHub could not be reached: ${toError(thrown).message}`, {
          cause: thrown,
        });
      }
      const { headers } = thrown.response;
      noteBudget(credential, headers);
      if (thrown.status === 304) return { status: 304, headers, data: null };
      throw judge(thrown, credential, headers);
    }
  }

  function judge(
    error: RequestError,
    credential: Credential,
    headers: Record<string, unknown>,
  ): TransportError {
    const { status } = error;
    const facts = { status, cause: error };
    const message = `GitHub answered ${status}: ${error.message.slice(0, 300)}`;
    const limitMs = toLimitMs(status, headers, error.message);
    if (limitMs !== null) {
      limitedUntilMs = clock.monotonicMs() + limitMs;
      return new TransportError('unavailable', message, facts);
    }
    const isFresh =
      credential !== 'app' &&
      clock.monotonicMs() - (mintedAtMs.get(credential.token) ?? -Infinity) < FRESH_TOKEN_MS;
    // Dead before its time: whoever tries again mints another.
    const isDead = credential !== 'app' && status === 401;
    if (isDead && !isFresh) mintedAtMs.delete(credential.token);
    const passes = status >= 500 || status === 408 || isDead || (isFresh && [403, 404].includes(status));
    return new TransportError(passes ? 'unavailable' : 'refused', message, facts);
  }

  /** How long GitHub wants us to keep away; `null` when the answer is about something else. */
  function toLimitMs(status: number, headers: Record<string, unknown>, message: string): number | null {
    const seconds = Number(headers['retry-after']);
    const isOut = headers['x-ratelimit-remaining'] === '0';
    const isLimit =
      status === 429 ||
      (status === 403 &&
        (headers['retry-after'] !== undefined || isOut || /secondary rate limit/i.test(message)));
    if (!isLimit) return null;
    if (Number.isFinite(seconds) && seconds > 0) return Math.min(MAX_LIMIT_WAIT_MS, seconds * 1000);
    const resetMs = Number(headers['x-ratelimit-reset']) * 1000 - clock.nowMs();
    return isOut && resetMs > 0 ? Math.min(MAX_LIMIT_WAIT_MS, resetMs + 1000) : LIMIT_WAIT_MS;
  }

  /** The budget of installations is what runs out; that of the App itself is another one. */
  function noteBudget(credential: Credential, headers: Record<string, unknown>): void {
    const [limit, remaining] = [headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']].map(Number);
    if (credential === 'app' || limit === undefined || remaining === undefined) return;
    if (Number.isFinite(limit) && Number.isFinite(remaining) && limit > 0) budget = { limit, remaining };
  }

  async function toAuthorization(credential: Credential): Promise<string> {
    if (credential !== 'app') return `token ${credential.token}`;
    const { appId: id, privateKey } = options;
    // The package takes half a minute off against clocks that run fast.
    const { token } = await githubAppJwt({ id, privateKey, now: Math.floor(clock.nowMs() / 1000) });
    return `bearer ${token}`;
  }
}

function toPlace(route: string, parameters: Record<string, unknown>): string {
  return `${route} ${JSON.stringify(parameters)}`;
}
