import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

export type SmallDisk = { folder: string; [Symbol.asyncDispose](): Promise<void> };

/** A disk of its own in memory, with room for so much, and so many files. Takes the right to mount. */
export async function mountSmallDisk({
  mebibytes,
  files,
}: {
  mebibytes: number;
  files?: number;
}): Promise<SmallDisk> {
  const folder = await mkdtemp(path.join(tmpdir(), 'yard-disk-'));
  const limits = [`size=${mebibytes}m`, ...(files === undefined ? [] : [`nr_inodes=${files}`])].join(',');
  await exec('mount', ['-t', 'tmpfs', '-o', limits, 'tmpfs', folder]);
  return {
    folder,
    async [Symbol.asyncDispose]() {
      // Lazily: what hangs in it lets go by itself.
      await exec('umount', ['--lazy', folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** False without root, and in containers that may not mount. */
export async function canMount(): Promise<boolean> {
  try {
    await using _ = await mountSmallDisk({ mebibytes: 1 });
    return true;
  } catch {
    return false;
  }
}
