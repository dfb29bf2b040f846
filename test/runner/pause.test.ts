import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPause } from '../../src/runner/pause.ts';

let folder: string;
let file: string;
let nowMs: number;
const open = () => openPause(file, () => nowMs);

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pause-'));
  file = path.join(folder, 'state', 'paused.json');
  nowMs = 1000;
});
afterEach(() => rm(folder, { recursive: true }));

test('a pause outlives the runner, with its time and its reason, until somebody ends it', async () => {
  const first = await open();
  expect(first.current()).toBe(null);
  await first.pause('new disk');
  expect(first.current()).toEqual({ sinceMs: 1000, reason: 'new disk' });

  const second = await open();
  expect(second.current()).toEqual({ sinceMs: 1000, reason: 'new disk' });
  expect((await stat(file)).mode & 0o077).toBe(0);
  expect(await second.resume()).toBe(true);
  expect(await second.resume()).toBe(false);

  expect((await open()).current()).toBe(null);
  expect(await readdir(path.dirname(file))).toEqual([]);
});

test('who pauses again changes the reason, not the time', async () => {
  const pause = await open();
  await pause.pause('new disk');
  nowMs = 2000;

  await pause.pause(null);

  expect(pause.current()).toEqual({ sinceMs: 1000, reason: null });
});

test('a damaged file still means a pause: work that nobody wanted is worse than none', async () => {
  await (await open()).pause(null);
  await writeFile(file, '{"sinceMs":');

  expect((await open()).current()).toEqual({ sinceMs: 0, reason: null });
});
