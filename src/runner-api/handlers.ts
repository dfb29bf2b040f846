import { accepted } from '../dispatch/answer.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { PreviewJob } from '../dispatch/preview-job.ts';
import type { RunnerRegistry } from '../dispatch/runner-registry.ts';
import type { RunnerApiHandlers } from './runner-call.ts';

/** Which part answers which call. */
export function createHandlers(deps: {
  dispatcher: Dispatcher;
  registry: RunnerRegistry;
  previewJob: PreviewJob;
}): RunnerApiHandlers {
  const { dispatcher, registry, previewJob } = deps;

  return {
    enroll: ({ body, idempotency }) => registry.enroll(body, idempotency),
    session: ({ body, key }) => registry.openSession({ ...body, key }),
    preview: async ({ body, key }) => {
      const runner = await registry.identify({ runnerId: body.runnerId, key });
      return runner.ok ? previewJob({ runner: runner.value, request: body }) : runner;
    },
    rotateKey: ({ body, key }) => registry.rotateKey({ ...body, key }),
    confirmKey: ({ body, key }) => registry.confirmKey({ ...body, key }),
    closeSession: async ({ session }) => {
      await registry.closeSession(session);
      return accepted({});
    },
    poll: ({ session, body, signal }) => dispatcher.poll({ session, request: body, signal }),
    accept: ({ session, attemptId, body, idempotency }) =>
      dispatcher.accept({ session, attemptId, epoch: body.epoch, idempotency }),
    decline: ({ session, attemptId, body, idempotency }) =>
      dispatcher.decline({ session, attemptId, ...body, idempotency }),
    start: ({ lease, idempotency }) => dispatcher.start(lease, idempotency),
    heartbeat: ({ lease, body }) => dispatcher.heartbeat(lease, body),
    log: ({ lease, body }) => dispatcher.log(lease, body),
    token: ({ lease, body }) => dispatcher.token({ lease, ...body }),
    evidence: ({ lease, body, idempotency }) => dispatcher.evidence(lease, body, idempotency),
    complete: ({ lease, body, idempotency }) => dispatcher.complete({ lease, ...body, idempotency }),
  };
}
