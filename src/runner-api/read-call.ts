import { createHash } from 'node:crypto';
import type { HonoRequest } from 'hono';
import { z } from 'zod';
import { AttemptId } from '../contract/identifiers.ts';
import { PROTOCOL_HEADER } from '../contract/protocol-version.ts';
import {
  EPOCH_HEADER,
  IDEMPOTENCY_HEADER,
  LEASE_TOKEN_HEADER,
  RUNNER_API,
  type RunnerCall,
} from '../contract/runner-api.ts';
import { accepted, type Answer, refused } from '../dispatch/answer.ts';
import type { RunnerRegistry } from '../dispatch/runner-registry.ts';
import type { Session } from '../dispatch/runner-sessions.ts';
import type { IncomingCall } from './runner-call.ts';
import { refuseMistakes } from './wire-answer.ts';

const IdempotencyKey = z.string().min(8).max(200);
const Epoch = z.coerce.number().int().positive();

/** What the headers of a call show. */
type CallHead = {
  attemptId: AttemptId | undefined;
  bearer: string | null;
  session: Session | null;
  epoch: number | undefined;
  leaseToken: string;
  key: string | undefined;
};

/** What the headers of a call show, or why it isn't served. It comes before the body: a stranger's is not even read. */
export async function readHead(
  name: RunnerCall,
  request: HonoRequest,
  deps: { registry: Pick<RunnerRegistry, 'authenticate'> },
): Promise<Answer<CallHead>> {
  const { auth, idempotent, path } = RUNNER_API[name];
  const attemptId = AttemptId.safeParse(request.param('attemptId'));
  if (path.includes(':attemptId') && !attemptId.success) {
    return refused('not_found', 'The attempt id in the path is not a UUID.');
  }

  const bearer = readBearer(request);
  if (auth !== 'enroll-token' && bearer === null) {
    return refused(
      'unauthorized',
      `Send the ${auth === 'runner-key' ? 'runner key' : 'session token'} as “Authorization: Bearer …”.`,
    );
  }
  const session =
    auth === 'session' || auth === 'lease'
      ? await deps.registry.authenticate(bearer ?? '', request.header(PROTOCOL_HEADER))
      : accepted(null);
  if (!session.ok) return session;

  const leaseToken = request.header(LEASE_TOKEN_HEADER) ?? '';
  const epoch = Epoch.safeParse(request.header(EPOCH_HEADER));
  if (auth === 'lease' && (leaseToken === '' || !epoch.success)) {
    return refused(
      'invalid_request',
      `The headers ${LEASE_TOKEN_HEADER} and ${EPOCH_HEADER} name the attempt’s lease; send both.`,
    );
  }

  const key = IdempotencyKey.safeParse(request.header(IDEMPOTENCY_HEADER));
  if (idempotent && !key.success) {
    return refused(
      'invalid_request',
      `The header ${IDEMPOTENCY_HEADER} must have 8 to 200 characters: a new one for each request, the same for repeats.`,
    );
  }

  return accepted({
    attemptId: attemptId.data,
    bearer,
    session: session.value,
    epoch: epoch.data,
    leaseToken,
    key: key.data,
  });
}

/** The whole call, or what is wrong in its body. */
export async function readCall<C extends RunnerCall>(
  name: C,
  request: HonoRequest,
  { attemptId, bearer, session, epoch, leaseToken, key }: CallHead,
  shutdown: AbortSignal,
): Promise<Answer<IncomingCall<C>>> {
  const text = await request.text();
  const body = parseBody(name, text);
  if (!body.ok) return body;

  const requestHash = createHash('sha256').update(request.path).update('\n').update(text).digest('hex');
  const call = {
    body: body.value,
    signal: AbortSignal.any([request.raw.signal, shutdown]),
    attemptId,
    key: bearer,
    session,
    lease: { session, attemptId, epoch, leaseToken },
    idempotency: { key, requestHash },
  };
  // Checked above, as the table's entry for this call asks for it; the compiler can't follow the table by a name.
  return accepted(call as unknown as IncomingCall<C>);
}

function readBearer(request: HonoRequest): string | null {
  return /^Bearer ([\x21-\x7e]{1,500})$/i.exec(request.header('authorization') ?? '')?.[1] ?? null;
}

function parseBody(name: RunnerCall, text: string): Answer<unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused('invalid_request', 'The body is not JSON. Send the request as a JSON object.');
  }
  const parsed = RUNNER_API[name].request.safeParse(json);
  return parsed.success ? accepted(parsed.data) : refuseMistakes(parsed.error);
}
