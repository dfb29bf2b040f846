import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../lib/logger.ts';
import type { RunnerConfig } from './config.ts';
import type { HealthAnswer, HealthAnswers } from './health-answers.ts';

export type HealthServer = { url: string; stop(): Promise<void> };

const NOT_FOUND: HealthAnswer = {
  status: 404,
  type: 'application/json',
  body: `${JSON.stringify({ error: 'there is only GET /health, /ready and /metrics' })}\n`,
};
const FAILED: HealthAnswer = {
  status: 500,
  type: 'application/json',
  body: `${JSON.stringify({ error: 'this could not be told; the log of the runner says why' })}\n`,
};

/** Serves what `answers` has to this machine (unless `host` says otherwise). Rejects when the port is taken. */
export async function startHealthServer(options: {
  host: string;
  /** 0 = any free one. */
  port: number;
  answers: HealthAnswers;
  log: Logger;
}): Promise<HealthServer> {
  const { answers, log } = options;

  async function answer(method: string | undefined, pathname: string): Promise<HealthAnswer> {
    if (method !== 'GET' && method !== 'HEAD') return NOT_FOUND;
    try {
      return (await answers.get(pathname)?.()) ?? NOT_FOUND;
    } catch (error) {
      log.error({ err: error, pathname }, 'Health can not be told');
      return FAILED;
    }
  }

  async function respond(
    method: string | undefined,
    pathname: string,
    response: ServerResponse,
  ): Promise<void> {
    const { status, type, body } = await answer(method, pathname);
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(method === 'HEAD' ? undefined : body);
  }

  const server = createServer((request, response) => {
    // By hand: a URL parser throws on some of what a stranger may send, such as `//`.
    const [pathname = ''] = (request.url ?? '').split('?', 1);
    void respond(request.method, pathname, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address() as AddressInfo; // it listens on a port, so this is no pipe's name
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${host}:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A runner works without its health server too, so a port that is taken is only said. */
export async function openHealthServer(
  place: RunnerConfig['health'],
  answers: HealthAnswers,
  log: Logger,
): Promise<HealthServer | null> {
  if (place === null) return null;
  try {
    const server = await startHealthServer({ ...place, answers, log });
    log.info({ url: `${server.url}/health` }, 'Health is served');
    return server;
  } catch (error) {
    log.warn({ err: error }, 'Health can not be served: choose another health.port in runner.yml, or false');
    return null;
  }
}
