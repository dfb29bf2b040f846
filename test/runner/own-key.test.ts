import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { readKeyFile, writeKeyFile } from '../../src/runner/key-file.ts';
import { createOwnKey } from '../../src/runner/own-key.ts';
import { type FakeCoordinator, RUNNER_KEY, startFakeCoordinator } from '../support/fake-coordinator.ts';
import { aRunnerKey } from '../support/runner-builders.ts';
import { createTestLogger } from '../support/test-logger.ts';

let coordinator: FakeCoordinator;
let folder: string;
let file: string;
let told: string[];
const never = new AbortController().signal;

beforeEach(async () => {
  coordinator = await startFakeCoordinator();
  folder = await mkdtemp(path.join(tmpdir(), 'key-'));
  file = path.join(folder, 'runner-key.json');
  told = [];
  await writeKeyFile(file, aRunnerKey(coordinator.url));
});
afterEach(async () => {
  await coordinator[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function open() {
  return createOwnKey(aRunnerKey(coordinator.url), {
    file,
    url: coordinator.url,
    fetch,
    // Waits between tries take no time.
    clock: { ...systemClock, sleep: () => Promise.resolve() },
    random: systemRandom,
    log: createTestLogger(),
    onSecret: (key) => told.push(key),
  });
}

test('the new key is in its file, in memory and at the coordinator, and was masked before it was used', async () => {
  const ownKey = open();
  coordinator.fail('rotateKey', 'lose-answer');

  expect(await ownKey.rotate(never)).toEqual({ isConfirmed: true });

  const { key } = ownKey.current();
  expect(key).toMatch(/^ymk_[\w-]{43}$/);
  expect(told).toEqual([key]);
  expect(await readKeyFile(file)).toMatchObject({ ok: true, key: { key } });
  expect(coordinator.keys.current).toBe(key);
  expect(await readdir(folder)).toEqual(['runner-key.json']);
});

test('when the coordinator does not take it, everything stays as it was', async () => {
  const ownKey = open();
  coordinator.fail('rotateKey', 503, 10);

  await expect(ownKey.rotate(never)).rejects.toMatchObject({ kind: 'unavailable' });

  expect(ownKey.current().key).toBe(RUNNER_KEY);
  expect(await readKeyFile(file)).toMatchObject({ key: { key: RUNNER_KEY } });
});

test('at every moment the key in the file is one that the coordinator takes', async () => {
  const ownKey = open();
  // Cut off between writing and showing it.
  coordinator.fail('confirmKey', 503, 10);

  expect(await ownKey.rotate(never)).toEqual({ isConfirmed: false });

  const kept = await readKeyFile(file);
  expect(kept).toMatchObject({ ok: true, key: { key: coordinator.keys.next } });
  expect(coordinator.keys.current).toBe(RUNNER_KEY);
});

test('of two at once, the second begins when the first is through, with the key that came of it', async () => {
  const ownKey = open();

  await Promise.all([ownKey.rotate(never), ownKey.rotate(never)]);

  const [first, second] = told;
  expect(coordinator.calls.map(({ name, sessionToken }) => [name, sessionToken])).toEqual([
    ['rotateKey', RUNNER_KEY],
    ['confirmKey', first],
    ['rotateKey', first],
    ['confirmKey', second],
  ]);
  expect(await readKeyFile(file)).toMatchObject({ ok: true, key: { key: second } });
  expect([ownKey.current().key, coordinator.keys.current]).toEqual([second, second]);
});
