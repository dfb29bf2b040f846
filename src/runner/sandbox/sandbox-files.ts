import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SANDBOX_UID } from './bubblewrap-arguments.ts';

/** What a sandbox has instead of the machine's own files, which would name the machine's people and neighbours. */
const FILES: Readonly<Record<string, string>> = {
  passwd: `runner:x:${SANDBOX_UID}:${SANDBOX_UID}:runner:/tmp:/bin/sh\n`,
  group: `runner:x:${SANDBOX_UID}:\n`,
  hosts: '127.0.0.1 localhost\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

/** Writes them to `folder`, and answers where each belongs inside. */
export async function writeSandboxFiles(folder: string): Promise<{ from: string; at: string }[]> {
  await mkdir(folder, { recursive: true });
  return await Promise.all(
    Object.entries(FILES).map(async ([name, content]) => {
      const file = join(folder, name);
      await writeFile(file, content);
      return { from: file, at: `/etc/${name}` };
    }),
  );
}
