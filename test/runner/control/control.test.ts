import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { requestSocket } from '../../../src/lib/request-socket.ts';
import { controlSocket, createControlClient } from '../../../src/runner/control/control-client.ts';
import { createControlApi, type Controls } from '../../../src/runner/control/control-api.ts';
import { openControlSocket } from '../../../src/runner/control/control-socket.ts';
import { aRunnerStatus } from '../../support/runner-builders.ts';
import { createTestLogger } from '../../support/test-logger.ts';

let workspaceRoot: string;
let asked: unknown[];
const log = createTestLogger();
const controls: Controls = {
  status: async () => aRunnerStatus(),
  pause: async (reason) => void asked.push({ pause: reason }),
  resume: () => Promise.reject(new Error('the disk is full')),
  drain: () => true,
  workspaces: async () => [],
  prune: async () => [],
  rotateKey: async () => ({ isConfirmed: true }),
};

beforeEach(async () => {
  workspaceRoot = await mkdtemp(path.join(tmpdir(), 'control-'));
  await mkdir(path.join(workspaceRoot, '.yardmaster'));
  asked = [];
});
afterEach(() => rm(workspaceRoot, { recursive: true }));

test('whoever may open the socket may ask; nobody else may', async () => {
  const socket = await openControlSocket(createControlApi(controls, log), { workspaceRoot, log });
  const client = createControlClient(workspaceRoot);
  try {
    expect((await stat(controlSocket(workspaceRoot))).mode & 0o777).toBe(0o600);
    expect(await client.status()).toEqual(aRunnerStatus());
    await client.pause('new disk');
    await client.pause(null);
    expect(asked).toEqual([{ pause: 'new disk' }, { pause: null }]);
    expect(await client.drain()).toEqual({ changed: true });
    await expect(client.resume()).rejects.toThrow('The runner failed at this call: the disk is full.');
  } finally {
    await socket?.stop();
  }
});

test.each([
  ['POST', '/pause', 'x'.repeat(600), 400],
  ['POST', '/pause', 'x'.repeat(20_000), 413],
  ['GET', '/pause', undefined, 404],
  ['POST', '/anything', undefined, 404],
])('%s %s with what does not fit is refused', async (method, route, reason, status) => {
  const socket = await openControlSocket(createControlApi(controls, log), { workspaceRoot, log });
  try {
    const body = reason === undefined ? undefined : { reason };
    const request = { method, path: route, body, timeoutMs: 5000 };
    expect((await requestSocket(controlSocket(workspaceRoot), request)).status).toBe(status);
    expect(asked).toEqual([]);
  } finally {
    await socket?.stop();
  }
});

describe('when it can’t be', () => {
  test('no runner: what to do is said', async () => {
    const client = createControlClient(path.join(workspaceRoot, 'elsewhere'));

    await expect(client.status()).rejects.toMatchObject({
      isAway: true,
      message: expect.stringContaining('Start it with “yardmaster runner run”') as string,
    });
  });

  test('a socket that a killed runner left is no runner, and no obstacle to the next', async () => {
    const first = await openControlSocket(createControlApi(controls, log), { workspaceRoot, log });
    await first?.stop();
    const client = createControlClient(workspaceRoot);
    await expect(client.status()).rejects.toMatchObject({ isAway: true });

    const second = await openControlSocket(createControlApi(controls, log), { workspaceRoot, log });

    expect(await client.status()).toEqual(aRunnerStatus());
    await second?.stop();
  });

  test('a path that no socket can have is said, and the runner works without', async () => {
    const lines: Record<string, unknown>[] = [];
    const deep = path.join(workspaceRoot, 'x'.repeat(100));

    const socket = await openControlSocket(createControlApi(controls, log), {
      workspaceRoot: deep,
      log: createTestLogger(lines),
    });

    expect(socket).toBe(null);
    expect(lines).toEqual([expect.objectContaining({ msg: expect.stringContaining('too long') as string })]);
  });
});
