import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../src/lib/make-folder.ts';

test('folders are made with all above them, at once and again', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'yard-folder-'));
  try {
    const folder = path.join(root, 'a', 'b', 'c');

    await Promise.all([makeFolder(folder, 0o700), makeFolder(folder, 0o700)]);
    await makeFolder(folder, 0o700);

    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  } finally {
    await rm(root, { recursive: true });
  }
});

test.runIf(process.platform === 'linux')('where the system makes none, it says so', async () => {
  await expect(makeFolder('/proc/yardmaster/data', 0o700)).rejects.toThrow(/ENOENT/);
});
