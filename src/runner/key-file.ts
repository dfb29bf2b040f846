import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { RunnerId } from '../contract/identifiers.ts';

const KeyFile = z.object({ runnerId: RunnerId, key: z.string().min(1), coordinatorUrl: z.string() });

/** Who this runner is, and how it proves it; written at enrolment. */
export type RunnerKey = z.infer<typeof KeyFile>;

/** The key, or what a person has to do when there is none that can be used. */
export async function readKeyFile(
  file: string,
): Promise<{ ok: true; key: RunnerKey } | { ok: false; problem: string }> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const problem =
      code === 'ENOENT'
        ? `this machine is not enrolled: ${file} does not exist. Ask the coordinator for a token (yardmaster runner token) and run: yardmaster runner enroll`
        : `${file} can't be read (${code ?? 'unknown error'}): give the user that runs the runner the right to read it`;
    return { ok: false, problem };
  }
  try {
    return { ok: true, key: KeyFile.parse(JSON.parse(text)) };
  } catch {
    // Never quote the file: it holds the key.
    return { ok: false, problem: `${file} is damaged: remove it and enrol this machine again` };
  }
}

/** Writes the key so that only this user can read it, whole or not at all. */
export async function writeKeyFile(file: string, key: RunnerKey): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.new`;
  await writeFile(draft, `${JSON.stringify(key, null, 2)}\n`, { mode: 0o600, flush: true });
  // `mode` only counts for new files; a left-over draft keeps its own.
  await chmod(draft, 0o600);
  await rename(draft, file);
}
