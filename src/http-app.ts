import { Hono } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { HTTPException } from 'hono/http-exception';
import type { Coordinator } from './coordinator.ts';
import { createCoordinatorMetrics } from './coordinator-metrics.ts';
import { SETTINGS_SCHEMA_PATH, toSettingsSchema } from './domain/settings-file.ts';
import type { Clock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import { packageVersion } from './package-version.ts';
import { createRunnerApi } from './runner-api/serve-runner-api.ts';
import { createByteBudget } from './webhooks/byte-budget.ts';
import { MAX_WEBHOOK_BYTES } from './webhooks/inbox.ts';

/** Both are the same; the second is for hooks that were set up for older versions of the product. */
const WEBHOOK_PATHS = ['/api/github/webhooks', '/webhook/github'] as const;

/** Bodies that are being read or verified, together: a handful of the largest that GitHub sends, thousands of ordinary ones. */
const MAX_UNREAD_BYTES = 4 * MAX_WEBHOOK_BYTES;
const SIGNATURE = /^sha256=[0-9a-f]{64}$/;

/** All that the coordinator serves to the network: webhooks, the runner API, the schema of settings, `/health`, `/metrics`. */
export function createHttpApp(deps: {
  coordinator: Coordinator;
  clock: Clock;
  /** What a scraper of `/metrics` has to show; `null` = they are not served. */
  metricsToken: string | null;
  log: Logger;
  /** Aborts when the coordinator stops: long polls then answer at once. */
  shutdown: AbortSignal;
}): Hono {
  const { coordinator, metricsToken, log } = deps;
  const app = new Hono();

  const bodies = createByteBudget(MAX_UNREAD_BYTES);
  for (const path of WEBHOOK_PATHS) {
    app.post(path, async (c) => {
      const size = toBodySize(c.req.header('content-length'));
      // GitHub says how long its bodies are; whoever does not could send for ever.
      if (size === null) return c.text('send Content-Length\n', 411);
      if (size > MAX_WEBHOOK_BYTES) return c.text('GitHub sends at most 25 MB\n', 413);
      if (!SIGNATURE.test(c.req.header('x-hub-signature-256') ?? '')) {
        return c.text('the signature is missing or malformed: set a webhook secret on GitHub\n', 401);
      }
      const room = bodies.take(size);
      if (room === null) return c.text('too much at once: deliver it again\n', 503);
      try {
        const body = new Uint8Array(await c.req.arrayBuffer());
        const answer = await coordinator.inbox.receive({ headers: c.req.header(), body });
        return new Response(answer.body, {
          status: answer.status,
          headers: { 'content-type': 'text/plain' },
        });
      } finally {
        room.release();
      }
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

  if (metricsToken === null) {
    app.get('/metrics', (c) => c.text('Set METRICS_TOKEN to have metrics served; see .env.example.\n', 404));
  } else {
    const metrics = createCoordinatorMetrics({
      store: coordinator.store,
      listRunners: () => coordinator.registry.list(),
    });
    app.get('/metrics', bearerAuth({ token: metricsToken }), async (c) => {
      const { type, body } = await metrics.render();
      return c.text(body, 200, { 'content-type': type });
    });
  }

  // For editors, by the first line of a settings file; it is in the package for everybody.
  let schema: string | undefined;
  app.get(SETTINGS_SCHEMA_PATH, (c) => {
    schema ??= JSON.stringify(toSettingsSchema());
    return c.body(schema, 200, { 'content-type': 'application/schema+json' });
  });

  app.get('/', (c) =>
    c.text('Yardmaster coordinator. /health tells how it is; people follow their jobs on GitHub.\n'),
  );

  app.onError((error, c) => {
    // Whoever shows no token, or a wrong one, where one is wanted.
    if (error instanceof HTTPException) return error.getResponse();
    log.error({ err: error, path: c.req.path }, 'A request failed');
    // The store is away, or we have a defect: the sender should come again.
    return c.json({ error: { code: 'unavailable', message: 'try again shortly', retryable: true } }, 503);
  });
  return app;
}

function toBodySize(contentLength: string | undefined): number | null {
  return contentLength !== undefined && /^\d{1,12}$/.test(contentLength) ? Number(contentLength) : null;
}
