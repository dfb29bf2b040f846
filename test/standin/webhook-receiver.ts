import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

type Received = {
  event: string;
  action: string | undefined;
  guid: string;
  headers: IncomingHttpHeaders;
  payload: Record<string, unknown>;
  /** Whether the signature is right for the secret. */
  isSigned: boolean;
};

/** An App's webhook endpoint that keeps what arrives and answers with `status`. */
export async function startReceiver(secret: () => string, status: () => number = () => 200) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      const payload = JSON.parse(raw.toString('utf8')) as Record<string, unknown>;
      const { headers } = request;
      received.push({
        event: String(headers['x-github-event']),
        action: typeof payload['action'] === 'string' ? payload['action'] : undefined,
        guid: String(headers['x-github-delivery']),
        headers,
        payload,
        isSigned:
          headers['x-hub-signature-256'] ===
          `sha256=${createHmac('sha256', secret()).update(raw).digest('hex')}`,
      });
      response.writeHead(status()).end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}/hooks`,
    received,
    /** `event.action` of all that came, in order. */
    names: () => received.map(({ event, action }) => (action === undefined ? event : `${event}.${action}`)),
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
