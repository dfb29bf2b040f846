import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Listens on loopback; port 0 takes any free one. `handle` may be given later, since it has to know the
 * address.
 */
export async function listenOnLoopback(port: number) {
  let handler: Handler | undefined;
  const underWay = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const work = run(request, response);
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  });

  async function run(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await handler?.(request, response);
    } catch (error) {
      // The connection broke, or the stand-in has a defect: either way this request is over.
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(error instanceof Error ? error.message : String(error));
    }
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: actual } = server.address() as AddressInfo; // listening on TCP, so it is one

  return {
    origin: `http://127.0.0.1:${actual}`,
    setHandler(next: Handler): void {
      handler = next;
    },
    /** Cuts all connections, and resolves when no request is being worked on. */
    async close(): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await Promise.all([closed, ...underWay]);
    },
  };
}
