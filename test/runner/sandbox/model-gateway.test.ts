import { existsSync, statSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import {
  type ModelBudget,
  type ModelGateway,
  openModelGateway,
} from '../../../src/runner/sandbox/model-gateway.ts';
import { startMessagesApi } from '../../support/messages-api.ts';

const KEY = 'sk-ant-dummy-real-key-0000';
const TOKEN = 'token-of-the-run';
const MODEL = 'claude-sonnet-4-5';

test('keeps the path of the address that it stands for', async () => {
  await using model = await startMessagesApi([]);
  await using gateway = await open(`${model.url}/base/`);

  await ask(gateway, {});

  expect(model.requests.map(({ path }) => path)).toEqual(['/base/v1/messages']);
});

test.each([{ 'x-api-key': TOKEN }, { authorization: `Bearer ${TOKEN}` }])(
  'takes the token of the run as %j',
  async (headers) => {
    await using model = await startMessagesApi([{ say: 'Hello.' }]);
    await using gateway = await open(model.url);

    const answer = await ask(gateway, { headers });

    expect(answer.status).toBe(200);
    expect(model.turns()[0]?.headers).toMatchObject({ 'x-api-key': KEY, host: new URL(model.url).host });
    expect(JSON.stringify(model.turns()[0]?.headers)).not.toContain(TOKEN);
  },
);

test('counts tokens of streams and of whole answers', async () => {
  await using model = await startMessagesApi([{ say: 'Streamed.' }, { say: 'Whole.' }]);
  await using gateway = await open(model.url);

  const streamed = await ask(gateway, { body: { model: MODEL, stream: true } });
  await ask(gateway, { body: { model: MODEL } });

  expect(streamed.body).toContain('event: message_stop');
  expect(gateway.facts()).toMatchObject({
    requests: 2,
    tokens: { input: 2000, output: 200, cacheWrite: 0, cacheRead: 0 },
    isOverBudget: false,
  });
  expect(gateway.facts().costUsd).toBeCloseTo(0.009, 6);
});

test('streams both ways, and stops the model when the agent stops waiting', async () => {
  const closed = Promise.withResolvers<void>();
  const model = createServer((request, response) => {
    response.on('close', () => closed.resolve());
    // Answers before the question has ended, and never ends.
    request.once('data', (chunk: Buffer) => response.write(`heard ${chunk.toString()}`));
  });
  await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve));
  await using gateway = await open(`http://127.0.0.1:${(model.address() as AddressInfo).port}`);
  const asked = request({
    socketPath: gateway.socket,
    path: '/v1/messages',
    method: 'POST',
    headers: { 'x-api-key': TOKEN },
  });

  asked.write('the beginning');
  const heard = await new Promise<string>((resolve) => {
    asked.on('response', (response) => response.once('data', (chunk: Buffer) => resolve(chunk.toString())));
  });
  asked.on('error', () => undefined);
  asked.destroy();
  await closed.promise;
  model.close();

  expect(heard).toBe('heard the beginning');
});

test.each([
  ['another token', { headers: { 'x-api-key': 'sk-other' } }, 401],
  ['no token', { headers: {} }, 401],
  ['another path', { path: '/v1/files' }, 404],
  ['batches', { path: '/v1/messages/batches' }, 404],
  ['a path around the corner', { path: '/v1/messages/../files' }, 404],
  ['another method', { method: 'GET' }, 404],
])('refuses %s, and the model hears nothing of it', async (_, asked, status) => {
  await using model = await startMessagesApi([]);
  await using gateway = await open(model.url);

  expect((await ask(gateway, asked)).status).toBe(status);
  expect(model.requests).toEqual([]);
});

test.each<[string, ModelBudget]>([
  ['requests', { maxCostUsd: 100, maxRequests: 2 }],
  ['money', { maxCostUsd: 0.005, maxRequests: 100 }],
])('refuses more when the %s are gone', async (_, budget) => {
  await using model = await startMessagesApi([]);
  await using gateway = await open(model.url, budget);

  const statuses = [];
  for (let count = 0; count < 4; count += 1) statuses.push((await ask(gateway, {})).status);

  expect(statuses).toEqual([200, 200, 400, 400]);
  expect(gateway.facts().isOverBudget).toBe(true);
  expect(model.turns()).toHaveLength(2);
});

test('greets without asking anybody, and says so when the model can’t be reached', async () => {
  await using gateway = await open('http://127.0.0.1:1');

  expect((await ask(gateway, { method: 'HEAD', path: '/api/hello', headers: {} })).status).toBe(200);
  expect(await ask(gateway, {})).toMatchObject({
    status: 502,
    body: expect.stringContaining('ECONNREFUSED'),
  });
});

test('its socket is for this user alone, and goes with it; no secret is logged', async () => {
  const lines: string[] = [];
  await using model = await startMessagesApi([]);
  const gateway = await open(model.url, undefined, lines);
  const folder = path.dirname(gateway.socket);
  const { mode } = statSync(folder);

  await ask(gateway, {});
  await ask(gateway, { path: '/v1/other' });
  await gateway.close();

  expect(mode & 0o777).toBe(0o700);
  expect(existsSync(folder)).toBe(false);
  expect(lines.join('')).toContain('asked its model for something else');
  expect(lines.join('')).not.toMatch(new RegExp(`${KEY}|${TOKEN}`));
});

async function open(
  baseUrl: string,
  budget: ModelBudget = { maxCostUsd: 1, maxRequests: 100 },
  lines: string[] = [],
): Promise<ModelGateway & AsyncDisposable> {
  const gateway = await openModelGateway({
    upstream: { baseUrl, socketPath: null, credential: { header: 'x-api-key', value: KEY } },
    token: TOKEN,
    budget,
    machineEnv: {},
    log: pino({ level: 'debug' }, { write: (line) => void lines.push(line) }),
  });
  return { ...gateway, [Symbol.asyncDispose]: gateway.close };
}

type Asked = {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: object;
};

function ask(
  gateway: ModelGateway,
  {
    path = '/v1/messages?beta=true',
    method = 'POST',
    headers = { 'x-api-key': TOKEN },
    body = { model: MODEL },
  }: Asked,
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: gateway.socket, path, method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(method === 'POST' ? JSON.stringify(body) : undefined);
  });
}
