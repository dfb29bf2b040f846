import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Coordinator } from './coordinator.ts';
import type { Clock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import { packageVersion } from './package-version.ts';
import { createRunnerApi } from './runner-api/serve-runner-api.ts';
import { MAX_WEBHOOK_BYTES } from './webhooks/inbox.ts';

/** Both are the same; the second is for hooks that were set up for older versions of the product. */
const WEBHOOK_PATHS = ['/api/github/webhooks', '/webhook/github'] as const;

/** All that the coordinator serves to the network: webhooks, the runner API, `/health`. */
export function createHttpApp(deps: {
  coordinator: Coordinator;
  clock: Clock;
  log: Logger;
  /** Aborts when the coordinator stops: long polls then answer at once. */
  shutdown: AbortSignal;
}): Hono {
  const { coordinator, log } = deps;
  const app = new Hono();

  // Before the signature is looked at: whoever can't sign must not be able to fill the memory either.
  const limit = bodyLimit({
    maxSize: MAX_WEBHOOK_BYTES,
    onError: (c) => c.text('GitHub sends at most 25 MB\n', 413),
  });
  for (const path of WEBHOOK_PATHS) {
    app.post(path, limit, async (c) => {
      const body = new Uint8Array(await c.req.arrayBuffer());
      const answer = await coordinator.inbox.receive({ headers: c.req.header(), body });
      return new Response(answer.body, { status: answer.status, headers: { 'content-type': 'text/plain' } });
    });
    app.get(path, (c) => c.text('This is where GitHub posts webhooks.\n', 405, { allow: 'POST' }));
  }

  app.route('/', createRunnerApi({ ...deps, ...coordinator, version: packageVersion() }));

  app.get('/health', async (c) => {
    const runners = await coordinator.registry.list();
    return c.json({
      status: 'ok',
      version: packageVersion(),
      runners: {
        online: runners.filter((runner) => runner.state === 'online').length,
        registered: runners.filter((runner) => runner.state !== 'revoked').length,
      },
    });
  });

  app.get('/', (c) =>
    c.text('Yardmaster coordinator. /health tells how it is; people follow their jobs on GitHub.\n'),
  );

  app.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, 'A request failed');
    // The store is away, or we have a defect: the sender should come again.
    return c.json({ error: { code: 'unavailable', message: 'try again shortly', retryable: true } }, 503);
  });
  return app;
}
