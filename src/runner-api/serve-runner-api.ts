import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { judgeProtocol, PROTOCOL_HEADER } from '../contract/protocol-version.ts';
import { RUNNER_API, type RunnerCall } from '../contract/runner-api.ts';
import { refused } from '../dispatch/answer.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { PreviewJob } from '../dispatch/preview-job.ts';
import type { RunnerRegistry } from '../dispatch/runner-registry.ts';
import type { Logger } from '../lib/logger.ts';
import { createHandlers } from './handlers.ts';
import { toOpenApi } from './openapi.ts';
import { readCall, readHead } from './read-call.ts';
import type { RunnerApiHandlers } from './runner-call.ts';
import { INTERNAL_ERROR, toErrorResponse } from './wire-answer.ts';

const KIB = 1024;
const DEFAULT_BODY_BYTES = 128 * KIB;
/** As much as the facts of a runner can have: anybody may send these. */
const OPEN_BODY_BYTES = 32 * KIB;

/** Where the contract allows more: text may grow sixfold by JSON's escapes. */
const BODY_BYTES: Partial<Record<RunnerCall, number>> = {
  enroll: OPEN_BODY_BYTES,
  session: OPEN_BODY_BYTES,
  log: 2 * KIB * KIB,
  evidence: 8 * KIB * KIB,
  complete: 12 * KIB * KIB,
};

/**
 * The runner API as a Hono app, to be mounted at `/`. It serves every call of `RUNNER_API` and the OpenAPI document of them. Answers only
 * what the contract knows, also to nonsense. When `shutdown` aborts, long polls answer at once.
 */
export function createRunnerApi(deps: {
  dispatcher: Dispatcher;
  registry: RunnerRegistry;
  previewJob: PreviewJob;
  shutdown: AbortSignal;
  /** Of this coordinator, for the OpenAPI document. */
  version: string;
  log: Logger;
}): Hono {
  const app = new Hono();
  const handlers = createHandlers(deps);
  const openApi = toOpenApi(deps.version);

  app.get('/api/v1/openapi.json', (context) => context.json(openApi));

  app.use('/api/v1/*', async (context, next) => {
    const verdict = judgeProtocol(context.req.header(PROTOCOL_HEADER));
    if (!verdict.ok) return toErrorResponse(refused('protocol_unsupported', verdict.reason));
    return next();
  });
  for (const name of Object.keys(RUNNER_API) as RunnerCall[]) serveCall(app, name, handlers, deps);

  app.all('/api/v1/*', (context) =>
    toErrorResponse(
      refused(
        'not_found',
        `There is no ${context.req.method} ${context.req.path}. /api/v1/openapi.json lists all calls.`,
      ),
    ),
  );
  app.onError((error, context) => {
    deps.log.error({ err: error, path: context.req.path }, 'A call of the runner API failed');
    return toErrorResponse(INTERNAL_ERROR);
  });
  return app;
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it ties the parsed call to its handler
function serveCall<C extends RunnerCall>(
  app: Hono,
  name: C,
  handlers: RunnerApiHandlers,
  deps: { registry: RunnerRegistry; shutdown: AbortSignal },
): void {
  const { method, path } = RUNNER_API[name];
  const maxSize = BODY_BYTES[name] ?? DEFAULT_BODY_BYTES;
  const limit = bodyLimit({
    maxSize,
    onError: () => toErrorResponse(refused('too_large', `The body of ${name} may have ${maxSize} bytes.`)),
  });

  app.on(method, path, async (context) => {
    const head = await readHead(name, context.req, deps);
    if (!head.ok) return toErrorResponse(head);
    // Without a length in the headers the limit reads the body, so it comes after the authorisation.
    const tooLarge = await limit(context, async () => {});
    if (tooLarge) return tooLarge;
    const call = await readCall(name, context.req, head.value, deps.shutdown);
    if (!call.ok) return toErrorResponse(call);
    const answer = await handlers[name](call.value);
    return answer.ok ? Response.json(answer.value) : toErrorResponse(answer);
  });
}
