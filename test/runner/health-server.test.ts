import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startHealthServer } from '../../src/runner/health-server.ts';

const health = {
  status: 'ok' as const,
  runnerId: '0c9d7a54-7a34-4a5b-bb0e-5a3a52a1d303',
  name: 'be-1',
  version: '1.0.0',
  attempts: [{ attemptId: 'a', jobId: 'j', specialty: 'backend', phase: 'agent' as const }],
};

test('tells the state as JSON on this machine, and nothing else', async () => {
  const server = await startHealthServer({ host: '127.0.0.1', port: 0, health: () => health });
  try {
    const answer = await fetch(`${server.url}/health`);
    const other = await fetch(`${server.url}/anything`);
    const written = await fetch(`${server.url}/health`, { method: 'POST' });

    expect(await answer.json()).toEqual(health);
    expect([other.status, written.status]).toEqual([404, 404]);
  } finally {
    await server.stop();
  }
});

test.each([
  ['GET // HTTP/1.1', 404],
  ['GET //[ HTTP/1.1', 404],
  ['GET http://[ HTTP/1.1', 404],
  ['GET http://:99999/health HTTP/1.1', 404],
  ['GET * HTTP/1.1', 404],
  ['GET %ff%zz HTTP/1.1', 400],
  ['OPTIONS * HTTP/1.1', 404],
  ['GET /health?x=http://[ HTTP/1.1', 200],
  ['\u0000\u0001 garbage', 400],
  ['GET', 400],
])('%j does it no harm', async (requestLine, status) => {
  const server = await startHealthServer({ host: '127.0.0.1', port: 0, health: () => health });
  try {
    expect(await sendRaw(server.url, requestLine)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  } finally {
    await server.stop();
  }
});

test('a port that is taken is an error', async () => {
  const first = await startHealthServer({ host: '127.0.0.1', port: 0, health: () => health });
  try {
    const second = startHealthServer({
      host: '127.0.0.1',
      port: Number(new URL(first.url).port),
      health: () => health,
    });

    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
  } finally {
    await first.stop();
  }
});

/** What the server answers to a request whose first line is as given; no client would send such lines. */
async function sendRaw(url: string, requestLine: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.end(`${requestLine}\r\nHost: runner\r\nConnection: close\r\n\r\n`);
  return await text(socket);
}
