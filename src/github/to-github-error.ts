import { toError } from '../lib/to-error.ts';
import { toOneLine } from '../lib/strip-control.ts';
import { GitHubError, type GitHubErrorKind } from './github-error.ts';

/** GitHub asks for at least a minute when it says no figure. */
const FALLBACK_WAIT_MS = 60_000;
/** A proxy in between may answer with anything; more than GitHub ever says is no use to anyone. */
const MAX_WAIT_MS = 2 * 60 * 60_000;
const MAX_MESSAGE_CHARACTERS = 500;
const SECONDARY_LIMIT = /secondary rate limit|abuse detection/i;

/** What Octokit throws for an answer that is no success; without `response` when there was no answer. */
type HttpError = {
  status: number;
  message: string;
  response?: { headers?: Record<string, unknown>; data?: unknown };
};

/**
 * Whatever a request threw, as a `GitHubError` with a kind that says what to do. What is not about HTTP (a mistake of our
 * own) comes back as it is.
 */
export function toGitHubError(thrown: unknown, nowMs: number): Error {
  const refusal = toGraphqlRefusal(thrown);
  if (refusal !== null) return fromGraphql(refusal, thrown, nowMs);
  if (thrown instanceof GitHubError || !isHttpError(thrown)) return toError(thrown);
  const { response } = thrown;
  if (response === undefined) {
    return new GitHubError('unavailable', `GitHub could not be reached: ${describe(thrown)}`, {
      cause: thrown,
    });
  }

  const kind = toKind(thrown.status, thrown.message, response);
  const retryAfterMs = readWait(response.headers ?? {}, nowMs);
  return new GitHubError(kind, `GitHub answered ${thrown.status}: ${describe(thrown)}`, {
    status: thrown.status,
    lacking: kind === 'forbidden' ? readLacking(thrown.message, response.headers ?? {}) : null,
    retryAfterMs: kind === 'rate_limited' ? (retryAfterMs ?? FALLBACK_WAIT_MS) : retryAfterMs,
    isUsedUp: isUsedUp(response.headers ?? {}),
    cause: thrown,
  });
}

function toKind(
  status: number,
  message: string,
  response: NonNullable<HttpError['response']>,
): GitHubErrorKind {
  switch (status) {
    case 429:
      return 'rate_limited';
    case 403:
      return isRateLimit(message, response.headers ?? {}) ? 'rate_limited' : 'forbidden';
    // A token of ours that died early (suspension ends tokens, too). The next request gets a new one.
    case 401:
      return 'unavailable';
    case 404:
    case 410:
      return 'gone';
    case 451:
      return 'forbidden';
    case 409:
      return 'conflict';
    case 422:
      return isConflict(message, response.data) ? 'conflict' : 'invalid';
    default:
      return status >= 500 ? 'unavailable' : 'invalid';
  }
}

/** 403 also means locked, archived, suspended and not permitted. The secondary limit is told by words alone at times. */
function isRateLimit(message: string, headers: Record<string, unknown>): boolean {
  return (
    headers['retry-after'] !== undefined ||
    headers['x-ratelimit-remaining'] === '0' ||
    SECONDARY_LIMIT.test(message)
  );
}

/** A thing that exists has a code of its own, except refs and pull requests, of which GitHub tells in words only. */
function isConflict(message: string, data: unknown): boolean {
  if (/reference already exists|pull request already exists|not a fast forward/i.test(message)) return true;
  if (typeof data !== 'object' || data === null || !('errors' in data) || !Array.isArray(data.errors))
    return false;
  return data.errors.some(
    (error: unknown) =>
      typeof error === 'object' && error !== null && 'code' in error && error.code === 'already_exists',
  );
}

/** GitHub names what would have been enough, alternatives parted by semicolons: `issues=write; pull_requests=write`. */
function readLacking(message: string, headers: Record<string, unknown>): string | null {
  const accepted = headers['x-accepted-github-permissions'];
  if (typeof accepted !== 'string' || !/not accessible by integration/i.test(message)) return null;
  const ways = accepted.split(';').map((way) => way.split(',').map((one) => one.trim()));
  if (!ways.flat().every((one) => /^[a-z_]{1,40}=[a-z]{1,10}$/.test(one))) return null;
  return ways.map((way) => way.map((one) => one.replace('=', ': ')).join(' and ')).join(', or ');
}

/** `retry-after` in seconds, else the end of a used-up budget; `null` when neither is told. */
function readWait(headers: Record<string, unknown>, nowMs: number): number | null {
  const seconds = Number(headers['retry-after']);
  if (Number.isFinite(seconds) && seconds >= 0) return clamp(seconds * 1000);
  const resetSeconds = Number(headers['x-ratelimit-reset']);
  if (headers['x-ratelimit-remaining'] !== '0' || !Number.isFinite(resetSeconds)) return null;
  // A second more: GitHub counts in whole ones.
  return clamp(resetSeconds * 1000 - nowMs + 1000);
}

/** A secondary limit comes with `retry-after`, or with requests that remain. */
function isUsedUp(headers: Record<string, unknown>): boolean {
  return headers['retry-after'] === undefined && headers['x-ratelimit-remaining'] === '0';
}

function clamp(waitMs: number): number {
  return Math.min(MAX_WAIT_MS, Math.max(1000, waitMs));
}

/** An ill gateway answers with a whole page of HTML. */
function describe({ message }: HttpError): string {
  const text = /<html|<!doctype/i.test(message) ? message.replace(/<[^>]*>/g, ' ') : message;
  return toOneLine(text, MAX_MESSAGE_CHARACTERS) || 'no reason given';
}

/** Answered with status 200, and with what was wrong in its place. */
type GraphqlRefusal = {
  errors: readonly { type?: string; message: string }[];
  headers: Record<string, unknown>;
};

const GRAPHQL_KINDS: Readonly<Record<string, GitHubErrorKind>> = {
  NOT_FOUND: 'gone',
  FORBIDDEN: 'forbidden',
  RATE_LIMITED: 'rate_limited',
  INTERNAL: 'unavailable',
};

function fromGraphql({ errors, headers }: GraphqlRefusal, cause: unknown, nowMs: number): GitHubError {
  const [first] = errors;
  const message = first?.message ?? '';
  const isLimit = SECONDARY_LIMIT.test(message);
  const kind = isLimit ? 'rate_limited' : (GRAPHQL_KINDS[first?.type ?? ''] ?? 'invalid');
  return new GitHubError(kind, `GitHub answered: ${describe({ status: 200, message })}`, {
    status: 200,
    retryAfterMs: kind === 'rate_limited' ? (readWait(headers, nowMs) ?? FALLBACK_WAIT_MS) : null,
    isUsedUp: isUsedUp(headers),
    cause,
  });
}

/** Octokit throws such an answer as it is, and its limiter the one of the primary limit in an error of its own. */
function toGraphqlRefusal(thrown: unknown): GraphqlRefusal | null {
  if (!(thrown instanceof Error) || isHttpError(thrown)) return null;
  const { errors, data, headers, response } = thrown as Error & {
    errors?: unknown;
    data?: { errors?: unknown } | null;
    headers?: Record<string, unknown>;
    response?: { headers?: Record<string, unknown> };
  };
  if (thrown.name === 'GraphqlResponseError' && isErrorList(errors))
    return { errors, headers: headers ?? {} };
  const limits = response === undefined ? undefined : data?.errors;
  return isErrorList(limits) ? { errors: limits, headers: response?.headers ?? {} } : null;
}

function isErrorList(value: unknown): value is GraphqlRefusal['errors'] {
  return Array.isArray(value);
}

function isHttpError(thrown: unknown): thrown is HttpError {
  return thrown instanceof Error && 'status' in thrown && typeof thrown.status === 'number';
}
