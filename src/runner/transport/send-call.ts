import { PROTOCOL_HEADER, toProtocolHeader } from '../../contract/protocol-version.ts';
import {
  IDEMPOTENCY_HEADER,
  RUNNER_API,
  type RunnerCall,
  type RunnerRequest,
  type RunnerResponse,
} from '../../contract/runner-api.ts';
import { WireError, type WireErrorCode } from '../../contract/wire-error.ts';
import { toError } from '../../lib/to-error.ts';
import { TransportError, type TransportErrorKind } from './transport-error.ts';

/** One call of the runner API, with all that it takes to send it, and to send it again. */
export type OutgoingCall<C extends RunnerCall> = {
  name: C;
  body: RunnerRequest<C>;
  /** For paths with `:attemptId`. */
  attemptId?: string;
  /** The same for every repeat. */
  idempotencyKey?: string;
  headers?: Readonly<Record<string, string>>;
};

/** What came of one try. */
export type Answer<C extends RunnerCall> =
  | { kind: 'ok'; value: RunnerResponse<C> }
  /** Might go better later: network, 408, 429, 5xx. */
  | { kind: 'trouble'; text: string; status: number | null; retryAfterMs: number }
  /** 401: the credential is not (or no longer) good. */
  | { kind: 'unauthorized'; text: string }
  | { kind: 'refused'; error: TransportError };

type SendOptions = {
  /** Without a slash at the end; may have a path of its own, behind a reverse proxy. */
  url: string;
  fetch: typeof fetch;
  bearer: string | null;
  timeoutMs: number;
  signal: AbortSignal;
  nowMs: number;
};

/**
 * Sends a call once. Rejects only when `signal` aborts, with its reason; everything else is an answer.
 *
 * The time to connect needs no timer here: Node's fetch gives up a connection after ten seconds by itself.
 */
export async function sendCall<C extends RunnerCall>(
  call: OutgoingCall<C>,
  options: SendOptions,
): Promise<Answer<C>> {
  const { method, path } = RUNNER_API[call.name];
  const address = options.url + path.replace(':attemptId', encodeURIComponent(call.attemptId ?? ''));
  options.signal.throwIfAborted();
  try {
    const response = await options.fetch(address, {
      method,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        [PROTOCOL_HEADER]: toProtocolHeader(),
        ...(options.bearer === null ? {} : { authorization: `Bearer ${options.bearer}` }),
        ...(call.idempotencyKey === undefined ? {} : { [IDEMPOTENCY_HEADER]: call.idempotencyKey }),
        ...call.headers,
      },
      body: JSON.stringify(call.body),
      // A redirect would turn the POST into a GET, and could carry credentials elsewhere.
      redirect: 'manual',
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]),
    });
    return readAnswer(call.name, response, await response.text(), options.nowMs);
  } catch (thrown) {
    options.signal.throwIfAborted();
    return { kind: 'trouble', text: explainNetworkError(thrown), status: null, retryAfterMs: 0 };
  }
}

function readAnswer<C extends RunnerCall>(
  name: C,
  response: Response,
  text: string,
  nowMs: number,
): Answer<C> {
  const body = parseJson(text);
  const { status } = response;
  if (response.ok) return readSuccess(name, status, body);
  if (status >= 300 && status < 400) {
    const target = response.headers.get('location') ?? 'another address';
    return refuse(
      'refused',
      `The coordinator redirects to ${target}: put its final address in coordinator_url.`,
      status,
    );
  }

  const parsed = WireError.safeParse(body);
  const message = parsed.success
    ? parsed.data.error.message
    : `HTTP ${status} without a Yardmaster error in it; does coordinator_url lead to a Yardmaster coordinator?`;
  if (status === 408 || status === 429 || status >= 500) {
    return { kind: 'trouble', text: message, status, retryAfterMs: toRetryAfterMs(response, nowMs) };
  }
  if (status === 401) return { kind: 'unauthorized', text: message };
  if (status === 426) return refuse('protocol_unsupported', message, status);
  return refuse(parsed.success ? toErrorKind(parsed.data.error.code) : 'refused', message, status);
}

function readSuccess<C extends RunnerCall>(name: C, status: number, body: unknown): Answer<C> {
  if (body === undefined) {
    return {
      kind: 'trouble',
      text: `HTTP ${status} without JSON in it (a proxy in between?)`,
      status,
      retryAfterMs: 0,
    };
  }
  const parsed = RUNNER_API[name].response.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue === undefined ? '' : ` at ${issue.path.join('.')}: ${issue.message}`;
    return refuse('refused', `The coordinator's answer to ${name} does not fit the protocol${where}`, status);
  }
  // The schema was looked up by the same name, which the compiler can't follow through the union.
  return { kind: 'ok', value: parsed.data as RunnerResponse<C> };
}

function refuse(kind: TransportErrorKind, message: string, status: number): Answer<never> {
  return { kind: 'refused', error: new TransportError(kind, message, { status }) };
}

function toErrorKind(code: WireErrorCode): TransportErrorKind {
  switch (code) {
    case 'revoked':
    case 'stale_attempt':
    case 'superseded':
    case 'protocol_unsupported':
    case 'policy_refused':
      return code;
    case 'invalid_request':
    case 'unauthorized':
    case 'not_found':
    case 'too_large':
    case 'rate_limited':
    case 'internal':
    case 'unavailable':
      return 'refused';
    default:
      return code satisfies never;
  }
}

/** `Retry-After` in seconds or as a date, in milliseconds; 0 when there is none. */
function toRetryAfterMs(response: Response, nowMs: number): number {
  const header = response.headers.get('retry-after');
  if (header === null) return 0;
  const seconds = Number(header);
  const waitMs = Number.isNaN(seconds) ? Date.parse(header) - nowMs : seconds * 1000;
  return Number.isFinite(waitMs) && waitMs > 0 ? waitMs : 0;
}

/** `undefined` when it isn't JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Proxies answer in HTML; what that means depends on the status, which the caller knows.
    return undefined;
  }
}

/** What kept a request from being answered, for people. */
export function explainNetworkError(thrown: unknown): string {
  const error = toError(thrown);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const cause = error.cause instanceof Error ? error.cause : error;
  // Ports of other protocols, which fetch refuses to speak HTTP with.
  if (cause.message === 'bad port') return 'this port is for another protocol, and no HTTP client asks it';
  const code = 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : '';
  return `${cause.message || error.message}${code}`;
}
