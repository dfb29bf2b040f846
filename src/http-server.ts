import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';

/** How long connections may take to finish what they are at, when the server stops. */
const STOP_MS = 10_000;

export type HttpServer = {
  server: Server;
  /** Takes no more requests, and resolves when those in hand are answered or cut. */
  stop(): Promise<void>;
};

/** Serves `app` on a port or a UNIX socket. Rejects when it can't listen there, saying what to do. */
export async function startHttpServer(app: Hono, where: ListenOptions): Promise<HttpServer> {
  const answer = getRequestListener(app.fetch);
  // The listener answers every request itself, also those that fail.
  const server = createServer((request, response) => void answer(request, response));
  // Long polls take up to 50 s, and a proxy in between must not find the connection closed under it.
  server.keepAliveTimeout = 65_000;
  // To receive a request, not to answer it: nobody may hold a body open for long.
  server.requestTimeout = 60_000;
  server.listen(where);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, where);
  }

  return {
    server,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), STOP_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

function explain(error: NodeJS.ErrnoException, where: ListenOptions): Error {
  const place = where.path ?? `${where.host}:${where.port}`;
  const advice = new Map([
    ['EADDRINUSE', `${place} is taken by another program: stop it, or choose another with --port (PORT).`],
    ['EADDRNOTAVAIL', `${place} is no address of this machine: use 127.0.0.1 or 0.0.0.0 with --host (HOST).`],
    ['EACCES', `This user may not listen on ${place}: choose a port above 1023 with --port (PORT).`],
  ]).get(error.code ?? '');
  return advice === undefined ? error : new Error(advice, { cause: error });
}
