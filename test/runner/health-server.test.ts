import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { toHealthAnswers } from '../../src/runner/health-answers.ts';
import { startHealthServer } from '../../src/runner/health-server.ts';
import { createRunnerMetrics } from '../../src/runner/runner-metrics.ts';
import { anAttemptUnderWay, aRunnerStatus } from '../support/runner-builders.ts';
import { createTestLogger } from '../support/test-logger.ts';

const status = aRunnerStatus({ attempts: [anAttemptUnderWay({ attemptId: 'a', jobId: 'j' })] });
const answers = toHealthAnswers(async () => status, createRunnerMetrics());
const log = createTestLogger();

test('tells the state as JSON on this machine, and nothing else', async () => {
  const server = await startHealthServer({ host: '127.0.0.1', port: 0, answers, log });
  try {
    const answer = await fetch(`${server.url}/health`);
    const other = await fetch(`${server.url}/anything`);
    const written = await fetch(`${server.url}/health`, { method: 'POST' });

    expect(await answer.json()).toEqual({
      status: 'ok',
      runnerId: status.runnerId,
      name: 'be-1',
      version: '1.0.0',
      attempts: [{ attemptId: 'a', jobId: 'j', specialty: 'backend', phase: 'agent' }],
    });
    expect([other.status, written.status]).toEqual([404, 404]);
  } finally {
    await server.stop();
  }
});

test.each([
  [{}, 200, { ready: true, state: 'ready', reason: null }],
  [
    { state: 'paused', notReady: 'it is paused' } as const,
    503,
    { ready: false, state: 'paused', reason: 'it is paused' },
  ],
])('is ready only when it takes work: %j', async (overrides, code, body) => {
  const answer = await toHealthAnswers(async () => aRunnerStatus(overrides), createRunnerMetrics()).get(
    '/ready',
  )?.();

  expect(answer).toMatchObject({ status: code, body: `${JSON.stringify(body)}\n` });
});

test('what can’t be told is an error, and the server goes on', async () => {
  const broken = new Map([['/health', () => Promise.reject(new Error('no disk'))]]);
  const server = await startHealthServer({ host: '127.0.0.1', port: 0, answers: broken, log });
  try {
    expect([(await fetch(`${server.url}/health`)).status, (await fetch(`${server.url}/x`)).status]).toEqual([
      500, 404,
    ]);
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
  const server = await startHealthServer({ host: '127.0.0.1', port: 0, answers, log });
  try {
    expect(await sendRaw(server.url, requestLine)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  } finally {
    await server.stop();
  }
});

test('a port that is taken is an error', async () => {
  const first = await startHealthServer({ host: '127.0.0.1', port: 0, answers, log });
  try {
    const second = startHealthServer({
      host: '127.0.0.1',
      port: Number(new URL(first.url).port),
      answers,
      log,
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
