import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { toWireError, WIRE_ERRORS, type WireErrorCode } from '../../contract/wire-error.ts';
import type { Logger } from '../../lib/logger.ts';
import { ROTATE_MS } from './control-client.ts';
import type { InventoryItem } from '../workspace/inventory.ts';
import type { RunnerStatus } from './runner-status.ts';

const MAX_BODY_BYTES = 16 * 1024;
const MAX_REASON = 500;

export const PauseWish = z.object({ reason: z.string().max(MAX_REASON).nullish() });

export const PruneWish = z.object({ unusedMs: z.number().nonnegative(), isDryRun: z.boolean() });
export type PruneWish = z.infer<typeof PruneWish>;

/** What somebody on the machine may ask of a running daemon. */
export type Controls = {
  status(): Promise<RunnerStatus>;
  pause(reason: string | null): Promise<void>;
  /** False when it was not paused. */
  resume(): Promise<boolean>;
  /** Finishes what it has and ends. False when it does so already. */
  drain(): boolean;
  workspaces(): Promise<InventoryItem[]>;
  /** Answers what was removed. */
  prune(wish: PruneWish): Promise<InventoryItem[]>;
  rotateKey(signal: AbortSignal): Promise<{ isConfirmed: boolean }>;
};

/**
 * The calls of the control socket as a Hono app. It checks no credential: serve it on a UNIX socket, whose file permissions say who may,
 * and nowhere else.
 */
export function createControlApi(controls: Controls, log: Logger): Hono {
  const app = new Hono();
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => refuse('too_large', `A body may have ${MAX_BODY_BYTES} bytes.`),
    }),
  );

  app.get('/status', async (context) => context.json(await controls.status()));
  app.post('/pause', async (context) => {
    // A body that is no JSON is told by the schema.
    const wish = PauseWish.safeParse(await context.req.json().catch(() => null));
    if (!wish.success) return refuse('invalid_request', `reason: at most ${MAX_REASON} characters of text.`);
    await controls.pause(wish.data.reason ?? null);
    return context.json({});
  });
  app.post('/resume', async (context) => context.json({ changed: await controls.resume() }));
  app.post('/drain', (context) => context.json({ changed: controls.drain() }));

  app.get('/workspaces', async (context) => context.json({ items: await controls.workspaces() }));
  app.post('/workspaces/prune', async (context) => {
    const wish = PruneWish.safeParse(await context.req.json().catch(() => null));
    if (!wish.success) return refuse('invalid_request', 'unusedMs: milliseconds; isDryRun: true or false.');
    return context.json({ items: await controls.prune(wish.data) });
  });

  app.post('/rotate-key', async (context) =>
    context.json(await controls.rotateKey(AbortSignal.timeout(ROTATE_MS))),
  );

  app.notFound((context) => refuse('not_found', `There is no ${context.req.method} ${context.req.path}.`));
  app.onError((error, context) => {
    log.error({ err: error, path: context.req.path }, 'A call on the control socket failed');
    return refuse('internal', `The runner failed at this call: ${error.message}. Its log says more.`);
  });
  return app;
}

function refuse(code: WireErrorCode, message: string): Response {
  return Response.json(toWireError(code, message), { status: WIRE_ERRORS[code].status });
}
