import { getRequestListener } from '@hono/node-server';
import type { ApplicationFunction, ApplicationFunctionOptions, Probot } from 'probot';
import { explainProblems, readConfig, secretsOf } from './config.ts';
import { createCoordinator } from './coordinator.ts';
import { DEFAULT_TIMINGS } from './domain/timings.ts';
import { createHttpApp } from './http-app.ts';
import { systemClock } from './lib/clock.ts';
import { createLogger } from './lib/logger.ts';
import { systemRandom } from './lib/random.ts';
import { createRedactor } from './lib/redact.ts';
import { startOperatorSocket } from './operator-socket.ts';
import type { Inbox } from './webhooks/inbox.ts';
import { HANDLED_EVENTS } from './webhooks/translate.ts';

/**
 * The Probot app: hands every event that we act on to the inbox, and decides nothing. Probot has verified the signature;
 * an event that can't be stored rejects, so that GitHub is told and can deliver it again.
 */
export function createApp({ inbox }: { inbox: Pick<Inbox, 'put'> }): ApplicationFunction {
  return (app) => {
    app.on([...HANDLED_EVENTS], async ({ id, name, payload }) => {
      await inbox.put({ id, name, payload });
    });
  };
}

/**
 * For `probot run ./src/app.ts`: the whole coordinator behind Probot's own server, set up by the environment as for `yardmaster serve`.
 * Prefer `yardmaster serve`, which also limits what strangers can send and stops in order.
 */
export default async function app(probot: Probot, { addHandler }: ApplicationFunctionOptions): Promise<void> {
  const read = readConfig(process.env, { isTTY: process.stdout.isTTY });
  if (!read.ok) throw new Error(explainProblems(read.problems));
  const { config } = read;
  const { redact } = createRedactor(secretsOf(config));
  const log = createLogger({ ...config.log, redact });
  const coordinator = await createCoordinator(config, {
    clock: systemClock,
    random: systemRandom,
    timings: DEFAULT_TIMINGS,
    log,
  });
  const shutdown = new AbortController();
  const url = config.publicUrl ?? `http://${config.host}:${config.port}`;
  const operator = await startOperatorSocket(coordinator, { dataFolder: config.dataFolder, url, log });
  coordinator.start();

  await createApp(coordinator)(probot, { cwd: process.cwd(), addHandler });
  const answer = getRequestListener(
    createHttpApp({
      coordinator,
      clock: systemClock,
      metricsToken: config.metricsToken,
      log,
      shutdown: shutdown.signal,
    }).fetch,
  );
  addHandler((request, response) => {
    if (!/^\/(?:api\/v1\/|health$|metrics$|$)/.test(request.url ?? '')) return false;
    void answer(request, response);
    return true;
  });

  // Probot ends its own server on SIGINT and knows no SIGTERM; the store is safe either way, and this lets runners keep their leases.
  async function stop(): Promise<void> {
    shutdown.abort(new Error('The coordinator stops'));
    await operator.stop();
    await coordinator.stop();
  }
  process.once('SIGINT', () => void stop());
  process.once('SIGTERM', () => void stop().finally(() => process.exit(0)));
}
