import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sign } from '@octokit/webhooks-methods';
import { afterEach, expect, test } from 'vitest';
import type { NewDelivery } from '../../src/store/store.ts';
import { createInbox } from '../../src/webhooks/inbox.ts';
import { startSmee } from '../../src/webhooks/smee.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';

const SECRET = 'a secret of sixteen or more';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

test('a webhook that GitHub posts to the channel arrives in the inbox, with a signature that fits', async () => {
  const stored: NewDelivery[] = [];
  const inbox = createInbox({
    store: {
      putDelivery: async (delivery) => {
        stored.push(delivery);
        return 'stored';
      },
    },
    secret: SECRET,
    log: createTestLogger(),
  });
  const target = await listen((request, response) => {
    void readBody(request)
      .then((body) => inbox.receive({ headers: request.headers, body }))
      .then((answer) => response.writeHead(answer.status).end(answer.body));
  });
  const channels: ServerResponse[] = [];
  const channel = await listen((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('event: ready\ndata: {}\n\n');
    channels.push(response);
  });
  const smee = await startSmee({
    source: `${channel}/abc`,
    target: `${target}/api/github/webhooks`,
    log: createTestLogger(),
  });
  stops.push(smee.stop);
  await until('the channel is open', () => channels.length > 0);

  const body = { action: 'labeled', issue: { number: 1 }, repository: { id: 5 } };
  channels[0]?.write(
    `data: ${JSON.stringify({
      'x-github-event': 'issues',
      'x-github-delivery': '6f1b2c9e-0000-4000-8000-000000000001',
      'x-hub-signature-256': await sign(SECRET, JSON.stringify(body)),
      host: 'smee.example',
      query: {},
      timestamp: 1,
      body,
    })}\n\n`,
  );

  await until('the webhook is stored', () => stored.length === 1);
  expect(stored[0]).toMatchObject({ event: 'issues', payload: JSON.stringify(body) });
});

async function listen(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await until('it listens', () => server.listening);
  stops.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
