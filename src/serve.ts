import { once } from 'node:events';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import path from 'node:path';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Config } from './config.ts';
import { type Coordinator, createCoordinator } from './coordinator.ts';
import { DEFAULT_TIMINGS, type Timings } from './domain/timings.ts';
import { systemClock } from './lib/clock.ts';
import { createLogger, type Logger } from './lib/logger.ts';
import { systemRandom } from './lib/random.ts';
import { createRedactor } from './lib/redact.ts';
import { operatorSocket } from './operator/operator-client.ts';
import { packageVersion } from './package-version.ts';
import { createHttpApp } from './http-app.ts';
import { createAdminApi } from './runner-api/admin-api.ts';
import { startSmee } from './webhooks/smee.ts';

/** How long connections may take to finish what they are at, when the coordinator stops. */
const STOP_MS = 10_000;

/** A coordinator that answers. */
export type Serving = {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  url: string;
  coordinator: Coordinator;
  /** Takes no more requests, finishes what is in hand, closes the store. Safe to repeat. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** `yardmaster serve`: runs the coordinator until the signal aborts. Throws when it can't start, saying what to do. */
export async function serve(config: Config, options: { signal: AbortSignal }): Promise<void> {
  const redactor = createRedactor([config.privateKey, config.webhookSecret]);
  const log = createLogger({ ...config.log, redact: redactor.redact });
  await using serving = await startServing(config, { log, timings: DEFAULT_TIMINGS });
  log.info(
    {
      url: serving.url,
      webhooks: `${serving.url}/api/github/webhooks`,
      githubApiUrl: config.githubApiUrl,
      dataFolder: config.dataFolder,
      version: packageVersion(),
    },
    'The coordinator is up',
  );

  if (!options.signal.aborted) await once(options.signal, 'abort');
  log.info({}, 'Stopping: finishing what is in hand; runners keep their leases meanwhile');
  await serving.stop();
  log.info({}, 'Stopped');
}

/** Starts the coordinator, its HTTP server, the operator's socket and, when configured, the smee channel. */
export async function startServing(
  config: Config,
  deps: { log: Logger; timings: Timings },
): Promise<Serving> {
  const { log } = deps;
  const clock = systemClock;
  const coordinator = await createCoordinator(config, { ...deps, clock, random: systemRandom });
  const shutdown = new AbortController();
  const stops: (() => Promise<void>)[] = [() => coordinator.stop()];

  async function stopAll(): Promise<void> {
    // Long polls answer at once, so that their runners come back to the next coordinator.
    shutdown.abort(new Error('The coordinator stops'));
    for (const stop of stops.toReversed()) await stop();
  }
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= stopAll());

  try {
    const app = createHttpApp({ coordinator, clock, log, shutdown: shutdown.signal });
    const server = await listen(app, { host: config.host, port: config.port });
    stops.push(() => close(server));
    const url = toUrl(server.address() as AddressInfo);

    const admin = createAdminApi({
      ...coordinator,
      log,
      status: () => ({ url: config.publicUrl ?? url, pid: process.pid, version: packageVersion() }),
    });
    const operator = await listenOnSocket(admin, config.dataFolder);
    stops.push(() => close(operator));

    if (config.webhookProxyUrl !== null) {
      const smee = await startSmee({
        source: config.webhookProxyUrl,
        target: `${url}/api/github/webhooks`,
        log,
      });
      stops.push(() => smee.stop());
    }
    return { url, coordinator, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function listen(app: Hono, where: ListenOptions): Promise<Server> {
  const answer = getRequestListener(app.fetch);
  // The listener answers every request itself, also those that fail.
  const server = createServer((request, response) => void answer(request, response));
  // Long polls take up to 50 s, and a proxy in between must not find the connection closed under it.
  server.keepAliveTimeout = 65_000;
  server.listen(where);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw explainListening(error as NodeJS.ErrnoException, where);
  }
  return server;
}

/** The store's lock has been taken, so a socket that lies there is a left-over. Only the coordinator's user may open it. */
async function listenOnSocket(app: Hono, dataFolder: string): Promise<Server> {
  const socket = operatorSocket(dataFolder);
  await mkdir(path.dirname(socket), { recursive: true, mode: 0o700 });
  await rm(socket, { force: true });
  const server = await listen(app, { path: socket });
  await chmod(socket, 0o600);
  return server;
}

/** Requests in hand may finish; idle connections are closed, and after a while the others too. */
async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), STOP_MS);
  await closed;
  clearTimeout(timer);
}

function explainListening(error: NodeJS.ErrnoException, where: ListenOptions): Error {
  const place = where.path ?? `${where.host}:${where.port}`;
  const advice = new Map([
    ['EADDRINUSE', `${place} is taken by another program: stop it, or choose another with --port (PORT).`],
    ['EADDRNOTAVAIL', `${place} is no address of this machine: use 127.0.0.1 or 0.0.0.0 with --host (HOST).`],
    ['EACCES', `This user may not listen on ${place}: choose a port above 1023 with --port (PORT).`],
  ]).get(error.code ?? '');
  return advice === undefined ? error : new Error(advice, { cause: error });
}

/** An address to reach it by from this machine. */
function toUrl({ address, port, family }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://127.0.0.1:${port}`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
