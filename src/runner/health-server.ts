import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Phase } from '../contract/job.ts';

/** What a runner says of itself, at `GET /health`. */
export type RunnerHealth = {
  status: 'ok' | 'draining';
  runnerId: string;
  name: string;
  version: string;
  attempts: { attemptId: string; jobId: string; specialty: string; phase: Phase }[];
};

export type HealthServer = { url: string; stop(): Promise<void> };

/** Serves `/health` to this machine (unless `host` says otherwise). Rejects when the port is taken. */
export async function startHealthServer(options: {
  host: string;
  /** 0 = any free one. */
  port: number;
  health: () => RunnerHealth;
}): Promise<HealthServer> {
  const server = createServer((request, response) => {
    // By hand: a URL parser throws on some of what a stranger may send, such as `//`.
    const [pathname] = (request.url ?? '').split('?', 1);
    const found = pathname === '/health' && (request.method === 'GET' || request.method === 'HEAD');
    const body = found ? options.health() : { error: 'there is only GET /health' };
    response.writeHead(found ? 200 : 404, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`);
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
