import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { actorName, rateLimitBucket, type Actor } from '../access/actor.ts';
import type { Authenticator } from '../access/authenticate.ts';
import { ApiError, notFound } from './api-error.ts';
import { entityTag, isUnchanged } from './etag.ts';
import type { createExchangeLog } from './exchange-log.ts';
import type { FaultPlan, Faults } from './faults.ts';
import type { RateLimit } from './rate-limit.ts';
import type { createRouter, Reply } from './router.ts';

const largestBody = 100 * 1024 * 1024;

/**
 * Answers REST requests: who is it, does a fault hit it, is there budget left, which route; then the headers
 * that GitHub puts on every answer.
 */
export function createRestHandler(deps: {
  router: ReturnType<typeof createRouter>;
  /** Where `/repositories/7/...` leads: `owner/name` of the repository, if there is one. */
  nameOfRepository: (id: number) => string | undefined;
  authenticator: Authenticator;
  rateLimit: RateLimit;
  faults: Faults;
  exchanges: ReturnType<typeof createExchangeLog>;
  clock: { nowMs(): number };
  /** Aborted when the stand-in stops: nobody waits out a delay then. */
  stopped: AbortSignal;
}) {
  const { router, nameOfRepository, authenticator, rateLimit, faults, exchanges, clock, stopped } = deps;

  /** Answers one request. `url` is without the `/api/v3` prefix. Never throws for what a client can cause. */
  return async function handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const method = request.method ?? 'GET';
    const path = byName(url.pathname);
    const headers = plainHeaders(request);
    const rawBody = await readBody(request);
    const { actor, refusal } = identify(headers['authorization']);

    const fault = faults.take({ method, path, actor: actorName(actor) });
    if (fault?.delayMs !== undefined) await sleep(fault.delayMs, undefined, { signal: stopped });
    if (fault?.breakSocket === 'before') {
      request.socket.destroy();
      return;
    }
    const isInjected = fault?.status !== undefined;
    const body = parseJson(rawBody);
    const reply = isInjected
      ? injectedReply(fault)
      : await answer({ method, path, url, headers, body, actor, refusal });

    const finished = finish(method, headers, actor, reply);
    exchanges.add({
      method,
      path: `${path}${url.search}`,
      requestHeaders: headers,
      requestBody: body instanceof ApiError ? rawBody.toString('utf8') : body,
      status: finished.status,
      responseHeaders: finished.headers,
      responseBody: finished.json,
      actor: actorName(actor),
      ...(isInjected ? { injected: true as const } : {}),
    });
    if (fault?.breakSocket === 'after') {
      request.socket.destroy();
      return;
    }
    response.writeHead(finished.status, finished.headers);
    response.end(method === 'HEAD' ? undefined : finished.bytes);
  };

  /** A bad credential still lets faults and the log see the request, as nobody's. */
  function identify(authorization: string | undefined): { actor: Actor; refusal: ApiError | undefined } {
    try {
      return { actor: authenticator.byHeader(authorization), refusal: undefined };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { actor: { kind: 'anonymous' }, refusal: error };
    }
  }

  async function answer(request: {
    method: string;
    path: string;
    url: URL;
    headers: Record<string, string>;
    body: unknown;
    actor: Actor;
    refusal: ApiError | undefined;
  }): Promise<Reply> {
    const { method, path, url, headers, body, actor, refusal } = request;
    try {
      checkHeaders(headers);
      if (refusal) throw refusal;
      if (path !== '/rate_limit') rateLimit.check(rateLimitBucket(actor));
      if (body instanceof ApiError) throw body;
      const found = router.find(method === 'HEAD' ? 'GET' : method, path);
      if (!found) throw notFound();
      const { route, params } = found;
      return await route.handle({ method, path, params, query: url.searchParams, headers, body, actor });
    } catch (error) {
      if (error instanceof ApiError)
        return { status: error.status, body: error.toBody(), headers: error.headers };
      // A defect of the stand-in itself: say so where a test will show it.
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { status: 500, body: { message: `Server Error: ${text}` } };
    }
  }

  function finish(method: string, requestHeaders: Record<string, string>, actor: Actor, reply: Reply) {
    const isRaw = Buffer.isBuffer(reply.body);
    const text = reply.body === undefined || isRaw ? '' : JSON.stringify(reply.body);
    const bytes = isRaw ? (reply.body as Buffer) : Buffer.from(text); // isBuffer has just told
    const isRead = (method === 'GET' || method === 'HEAD') && reply.status === 200;
    const etag = entityTag(isRaw ? bytes.toString('base64') : text, credentialOf(actor));
    const lastModified = lastModifiedOf(reply.body);
    const unchanged = isRead && isUnchanged(requestHeaders, { etag, lastModified });
    const bucket = rateLimitBucket(actor);
    if (!unchanged && reply.status !== 401) rateLimit.count(bucket);

    const headers: Record<string, string> = {
      date: new Date(clock.nowMs()).toUTCString(),
      'x-github-request-id': randomBytes(10).toString('hex').toUpperCase(),
      'x-github-media-type': 'github.v3; format=json',
      'x-github-api-version-selected': requestHeaders['x-github-api-version'] ?? '2022-11-28',
      vary: 'Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With',
      ...rateLimit.headers(bucket),
      ...(isRead ? { etag, 'cache-control': 'private, max-age=60, s-maxage=60' } : {}),
      ...(isRead && lastModified !== undefined ? { 'last-modified': lastModified } : {}),
      ...(reply.body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      ...reply.headers,
    };
    return unchanged
      ? { status: 304, headers, bytes: undefined, json: undefined }
      : { status: reply.status, headers, bytes, json: isRaw ? bytes.toString('utf8') : reply.body };
  }

  function byName(path: string): string {
    const match = /^\/repositories\/(\d+)(\/.+)$/.exec(path);
    const name = match && nameOfRepository(Number(match[1]));
    return match && name !== undefined ? `/repos/${name}${match[2]}` : path;
  }
}

function checkHeaders(headers: Record<string, string>): void {
  if (!headers['user-agent']) {
    throw new ApiError(
      403,
      'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.',
    );
  }
}

function injectedReply(fault: FaultPlan): Reply {
  const status = fault.status ?? 500;
  return {
    status,
    body: fault.body === undefined ? { message: `Fault on demand: ${status}` } : fault.body,
    ...(fault.headers === undefined ? {} : { headers: lowerCaseKeys(fault.headers) }),
  };
}

/** What makes entity tags differ: the token, not whom it belongs to. */
function credentialOf(actor: Actor): string {
  return actor.kind === 'installation' ? actor.token.secret : actorName(actor);
}

function lastModifiedOf(body: unknown): string | undefined {
  const isObject = typeof body === 'object' && body !== null;
  const time =
    isObject && 'updated_at' in body && typeof body.updated_at === 'string' ? body.updated_at : undefined;
  return time === undefined ? undefined : new Date(time).toUTCString();
}

/** The parsed body, `undefined` for an empty one, or the error to answer with. */
function parseJson(raw: Buffer): unknown {
  if (raw.length === 0) return undefined;
  try {
    return JSON.parse(raw.toString('utf8')) as unknown;
  } catch {
    return new ApiError(400, 'Problems parsing JSON');
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer; // no encoding is set on the request
    size += bytes.length;
    if (size > largestBody) throw new Error('The request is larger than GitHub takes');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function plainHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

function lowerCaseKeys(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
