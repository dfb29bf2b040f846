import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AttemptProgress, AttemptResult } from '../../src/contract/attempt-result.ts';
import type { Evidence } from '../../src/contract/evidence.ts';
import type { JobSpec } from '../../src/contract/job.ts';
import { judgeProtocol, PROTOCOL_HEADER } from '../../src/contract/protocol-version.ts';
import {
  EPOCH_HEADER,
  type GitHubToken,
  IDEMPOTENCY_HEADER,
  LEASE_TOKEN_HEADER,
  type PollRequest,
  type PollResponse,
  RUNNER_API,
  type RunnerCall,
  type RunnerFacts,
  type RunnerRequest,
  type RunnerResponse,
  type TokenPurpose,
} from '../../src/contract/runner-api.ts';
import { toWireError, WIRE_ERRORS, type WireErrorCode } from '../../src/contract/wire-error.ts';

/** A call that came in, as it was read. */
export type SeenCall = {
  name: RunnerCall;
  attemptId: string | null;
  body: unknown;
  idempotencyKey: string | null;
  sessionToken: string | null;
  /** Monotonic. */
  atMs: number;
};

/** What goes wrong with the next calls of a kind. */
export type Fault =
  /** Not done, and the connection breaks. */
  | 'lose-request'
  /** Done, and the connection breaks. */
  | 'lose-answer'
  /** Refused so. */
  | WireErrorCode
  /** A proxy's page with this status, which may say how long to wait. */
  | number
  | { status: number; retryAfter: string };

/** A job of the fake's, and what became of it. */
export type FakeAttempt = {
  spec: JobSpec;
  epoch: number;
  state: 'offered' | 'held' | 'declined' | 'ended';
  leaseToken: string;
  log: string;
  phases: string[];
  /** As the newest heartbeat told. */
  progress: AttemptProgress | null;
  tokens: string[];
  /** What was announced as the commit to be pushed. */
  announced: string | null;
  evidence: Evidence | null;
  result: AttemptResult | null;
  checkRunFinished: boolean | null;
  /** What came along with the result. */
  patch: string | null;
  declined: { reason: string; detail: string } | null;
  /** What heartbeats are answered with from now on. */
  heartbeat: Partial<RunnerResponse<'heartbeat'>>;
};

type Handlers = {
  [C in RunnerCall]: (request: RunnerRequest<C>, context: CallContext) => Promise<RunnerResponse<C>>;
};
type CallContext = { attempt: FakeAttempt; closed: AbortSignal; sessionToken: string | null };

export class Refusal extends Error {
  readonly code: WireErrorCode;
  constructor(code: WireErrorCode) {
    super(`the fake coordinator refuses: ${code}`);
    this.code = code;
  }
}

export const ENROLL_TOKEN = 'one-time-token-for-tests';
export const RUNNER_KEY = 'runner-key-for-tests';
export const RUNNER_ID = '0c9d7a54-7a34-4a5b-bb0e-5a3a52a1d303';

/**
 * A coordinator for the runner's tests: serves the whole RUNNER_API table over real HTTP, refuses what the table's schemas refuse (also
 * unknown fields, missing headers and missing idempotency keys), and does as much as a runner can notice.
 */
export async function startFakeCoordinator(
  options: {
    leaseSeconds?: number;
    heartbeatSeconds?: number;
    /** What `accept` and `token` hand out. */
    githubTokens?: { run: string; publish: string };
  } = {},
) {
  const attempts = new Map<string, FakeAttempt>();
  const calls: SeenCall[] = [];
  const faults: { name: RunnerCall; fault: Fault }[] = [];
  const answers = new Map<string, unknown>();
  const cancels: PollResponse['cancels'] = [];
  const sessions: string[] = [];
  const facts: RunnerFacts[] = [];
  const polls: PollRequest[] = [];
  const waiting = new Set<() => void>();
  const keys: { current: string; next: string | null } = { current: RUNNER_KEY, next: null };
  let wantsDrain = false;
  let connected = true;
  let cutRequests = 0;
  const leaseSeconds = options.leaseSeconds ?? 240;
  const heartbeatSeconds = options.heartbeatSeconds ?? 15;
  const tokens = options.githubTokens ?? { run: 'token-to-run', publish: 'token-to-publish' };
  const grant = (purpose: TokenPurpose): GitHubToken => ({
    token: tokens[purpose],
    expiresInSeconds: 3600,
  });

  const handlers: Handlers = {
    enroll: async ({ token, facts: given }) => {
      if (token !== ENROLL_TOKEN) throw new Refusal('unauthorized');
      facts.push(given);
      return { runnerId: RUNNER_ID as RunnerResponse<'enroll'>['runnerId'], key: RUNNER_KEY };
    },
    preview: async () => {
      throw new Refusal('not_found');
    },
    session: async ({ facts: given }) => {
      facts.push(given);
      const sessionToken = `session-${sessions.length + 1}-${randomUUID()}`;
      sessions.push(sessionToken);
      return { sessionToken, expiresInSeconds: 3600, coordinatorVersion: '0.0.0-fake' };
    },
    rotateKey: async ({ newKey }) => {
      keys.next = newKey;
      return {};
    },
    confirmKey: async (_request, { sessionToken }) => {
      const changed = sessionToken === keys.next;
      if (changed) keys.current = sessionToken ?? '';
      return { changed };
    },
    poll: async (request, { closed, sessionToken }) => {
      polls.push(request);
      if (request.facts !== undefined) facts.push(request.facts);
      const news = (): PollResponse => ({
        offers: [...attempts.values()]
          .filter(({ state }) => state === 'offered')
          .slice(0, request.freeSlots)
          .map(({ spec, epoch }) => ({
            attemptId: spec.attemptId,
            jobId: spec.jobId,
            epoch,
            specialty: spec.specialty,
            acceptWithinSeconds: 30,
          })),
        // Until the end is reported, since an answer may get lost.
        cancels: cancels.filter(({ attemptId }) => attempts.get(attemptId)?.state === 'held'),
        drain: wantsDrain,
      });
      const endsAt = Date.now() + request.waitSeconds * 1000;
      for (;;) {
        if (sessionToken !== sessions.at(-1)) throw new Refusal('superseded');
        const found = news();
        const isNews = found.offers.length > 0 || found.cancels.length > 0 || found.drain;
        const leftMs = endsAt - Date.now();
        if (isNews || leftMs <= 0 || closed.aborted) return found;
        await nextChange(leftMs, closed);
      }
    },
    accept: async ({ epoch }, { attempt }) => {
      if (attempt.state !== 'offered' || attempt.epoch !== epoch) throw new Refusal('stale_attempt');
      attempt.state = 'held';
      return {
        spec: attempt.spec,
        leaseToken: attempt.leaseToken,
        leaseSeconds,
        heartbeatSeconds,
        runToken: grant('run'),
      };
    },
    decline: async ({ reason, detail }, { attempt }) => {
      attempt.state = 'declined';
      attempt.declined = { reason, detail };
      return {};
    },
    start: async () => ({}),
    heartbeat: async ({ phase, progress = null }, { attempt }) => {
      attempt.progress = progress;
      if (attempt.phases.at(-1) !== phase) attempt.phases.push(phase);
      return {
        action: 'continue' as const,
        reason: null,
        leaseSeconds,
        heartbeatSeconds,
        ...attempt.heartbeat,
      };
    },
    log: async ({ offset, text }, { attempt }) => {
      const stored = Buffer.from(attempt.log);
      if (offset <= stored.length) {
        attempt.log = Buffer.concat([stored.subarray(0, offset), Buffer.from(text)]).toString();
      }
      return { committedOffset: Buffer.byteLength(attempt.log) };
    },
    token: async ({ purpose, headCommit }, { attempt }) => {
      attempt.tokens.push(purpose);
      attempt.announced = headCommit ?? attempt.announced;
      return grant(purpose);
    },
    evidence: async ({ evidence }, { attempt }) => {
      attempt.evidence = evidence;
      return {};
    },
    complete: async ({ result, checkRunFinished, patch }, { attempt }) => {
      attempt.state = 'ended';
      attempt.result = result;
      attempt.checkRunFinished = checkRunFinished;
      attempt.patch = patch ?? null;
      return {};
    },
    closeSession: async () => {
      sessions.push('closed');
      return {};
    },
  };

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    polls,
    facts,
    sessions,
    /** The runner's, and the one that it is about to take. */
    keys,
    /** Offers a job, at the next poll. */
    offer: (spec: JobSpec): FakeAttempt => {
      const attempt: FakeAttempt = {
        spec,
        epoch: 1,
        state: 'offered',
        leaseToken: `lease-${randomUUID()}`,
        log: '',
        phases: [],
        progress: null,
        tokens: [],
        announced: null,
        evidence: null,
        result: null,
        checkRunFinished: null,
        patch: null,
        declined: null,
        heartbeat: {},
      };
      attempts.set(spec.attemptId, attempt);
      changed();
      return attempt;
    },
    cancel: (attempt: FakeAttempt, reason: string): void => {
      cancels.push({ attemptId: attempt.spec.attemptId, reason });
      changed();
    },
    drain: (): void => {
      wantsDrain = true;
      changed();
    },
    /** The next `times` calls of this kind go wrong. */
    fail: (name: RunnerCall, fault: Fault, times = 1): void => {
      for (let time = 0; time < times; time += 1) faults.push({ name, fault });
    },
    /** Nothing goes wrong any more. */
    mend: (): void => {
      faults.length = 0;
    },
    /** A new session by somebody else: the runner's own is no longer the newest. */
    supersede: (): void => {
      sessions.push('somebody else');
      changed();
    },
    /** Forgets all sessions, as after a restart without its store. */
    forgetSessions: (): void => {
      sessions.push('forgotten');
      changed();
    },
    /** Cuts the line, or mends it. */
    setConnected: (isConnected: boolean): void => {
      connected = isConnected;
      if (!isConnected) server.closeAllConnections();
    },
    /** How many requests came while the line was cut. */
    cutRequests: (): number => cutRequests,
    tokens,
    callsOf: (name: RunnerCall): SeenCall[] => calls.filter((call) => call.name === name),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      changed();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!connected) {
      cutRequests += 1;
      request.destroy();
      return;
    }
    // Its health, for whoever looks whether it is there.
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      return;
    }
    const text = await readBody(request);
    const { name, attemptId } = findCall(request);
    const body: unknown = JSON.parse(text);
    const call: SeenCall = {
      name,
      attemptId,
      body,
      idempotencyKey: header(request, IDEMPOTENCY_HEADER),
      sessionToken: header(request, 'authorization')?.replace('Bearer ', '') ?? null,
      atMs: performance.now(),
    };
    calls.push(call);
    const fault = takeFault(name);
    if (fault === 'lose-request') {
      request.socket.destroy();
      return;
    }
    if (typeof fault === 'number' || typeof fault === 'object') {
      const { status, retryAfter } = typeof fault === 'number' ? { status: fault, retryAfter: null } : fault;
      response
        .writeHead(status, { 'content-type': 'text/html', ...(retryAfter && { 'retry-after': retryAfter }) })
        .end('<h1>a proxy</h1>');
      return;
    }
    try {
      if (fault !== undefined && fault !== 'lose-answer') throw new Refusal(fault);
      const answer = await answerCall(call, request, response);
      if (fault === 'lose-answer') request.socket.destroy();
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      response
        .writeHead(WIRE_ERRORS[error.code].status, { 'content-type': 'application/json' })
        .end(JSON.stringify(toWireError(error.code, error.message)));
    }
  }

  async function answerCall(
    call: SeenCall,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<unknown> {
    const { name, attemptId, idempotencyKey } = call;
    const definition = RUNNER_API[name];
    if (!judgeProtocol(header(request, PROTOCOL_HEADER) ?? undefined).ok)
      throw new Refusal('protocol_unsupported');
    authorize(call, request);
    if (definition.idempotent) {
      if (idempotencyKey === null) throw new Refusal('invalid_request');
      if (answers.has(idempotencyKey)) return answers.get(idempotencyKey);
    }
    const attempt = attemptId === null ? undefined : attempts.get(attemptId);
    if (attemptId !== null && attempt === undefined) throw new Refusal('not_found');
    if (definition.auth === 'lease' && attempt?.state !== 'held') throw new Refusal('stale_attempt');
    const parsed = definition.request.safeParse(call.body);
    // The schemas drop unknown fields; a runner that sends some has a typing error, so they are refused here.
    if (!parsed.success || JSON.stringify(sorted(parsed.data)) !== JSON.stringify(sorted(call.body))) {
      throw new Refusal('invalid_request');
    }
    const closed = new AbortController();
    response.once('close', () => {
      closed.abort();
      changed();
    });
    // Each handler fits the schema of its own call, which the compiler can't follow through the lookup by name.
    const handler = handlers[name] as (body: unknown, context: CallContext) => Promise<unknown>;
    const answer = definition.response.parse(
      await handler(parsed.data, {
        attempt: attempt as FakeAttempt, // there, unless the call is about none, whose handler doesn't look at it
        closed: closed.signal,
        sessionToken: call.sessionToken,
      }),
    );
    if (definition.idempotent && idempotencyKey !== null) answers.set(idempotencyKey, answer);
    return answer;
  }

  function authorize({ name, sessionToken, attemptId }: SeenCall, request: IncomingMessage): void {
    const { auth } = RUNNER_API[name];
    if (auth === 'enroll-token') return;
    if (auth === 'runner-key') {
      if (sessionToken !== keys.current && sessionToken !== keys.next) throw new Refusal('unauthorized');
      return;
    }
    if (sessionToken !== sessions.at(-1)) {
      throw new Refusal(sessions.at(-1) === 'forgotten' ? 'unauthorized' : 'superseded');
    }
    if (auth !== 'lease') return;
    const attempt = attempts.get(attemptId ?? '');
    const fits =
      header(request, LEASE_TOKEN_HEADER) === attempt?.leaseToken &&
      header(request, EPOCH_HEADER) === String(attempt?.epoch);
    if (!fits) throw new Refusal('stale_attempt');
  }

  function takeFault(name: RunnerCall): Fault | undefined {
    const index = faults.findIndex((planned) => planned.name === name);
    return index === -1 ? undefined : faults.splice(index, 1)[0]?.fault;
  }

  function changed(): void {
    for (const wake of waiting) wake();
  }

  function nextChange(timeoutMs: number, closed: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        waiting.delete(wake);
        closed.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      waiting.add(wake);
      closed.addEventListener('abort', wake);
    });
  }
}

export type FakeCoordinator = Awaited<ReturnType<typeof startFakeCoordinator>>;

function findCall(request: IncomingMessage): { name: RunnerCall; attemptId: string | null } {
  for (const [name, { path, method }] of Object.entries(RUNNER_API)) {
    const pattern = new RegExp(`^${path.replace(':attemptId', '([^/]+)')}$`);
    const match = pattern.exec(request.url ?? '');
    if (match !== null && request.method === method) {
      return { name: name as RunnerCall, attemptId: match[1] ?? null };
    }
  }
  throw new Error(`${request.method} ${request.url} is no call of the runner API`);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function header(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
}

/** The same with the keys in order, so that two values can be compared as text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
