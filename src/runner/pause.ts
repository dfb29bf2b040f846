import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const Pause = z.object({
  sinceMs: z.number(),
  /** For people; `null` = nobody said. */
  reason: z.string().nullable(),
});
/** Since when a runner takes nothing new, and why. */
export type Pause = z.infer<typeof Pause>;

/** Whether this runner is paused: it stays connected and finishes what it has, but takes nothing new. */
export type PauseSwitch = {
  current(): Pause | null;
  /** A runner that is paused already keeps its time, and gets the new reason. */
  pause(reason: string | null): Promise<Pause>;
  /** False when it was not paused. */
  resume(): Promise<boolean>;
};

/**
 * The pause is kept in `file`, so that it outlives the runner: whoever pauses a machine to mend it may well start it anew, and must not find
 * work on it then.
 */
export async function openPause(file: string, nowMs: () => number): Promise<PauseSwitch> {
  let current = await readPause(file);

  return {
    current: () => current,
    pause: async (reason) => {
      const pause = { sinceMs: current?.sinceMs ?? nowMs(), reason };
      await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(`${file}.new`, `${JSON.stringify(pause)}\n`, { mode: 0o600 });
      await rename(`${file}.new`, file);
      current = pause;
      return pause;
    },
    resume: async () => {
      const wasPaused = current !== null;
      await rm(file, { force: true });
      current = null;
      return wasPaused;
    },
  };
}

/** A file that can't be understood was meant to pause all the same. */
async function readPause(file: string): Promise<Pause | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const parsed = Pause.safeParse(parseJson(text));
  return parsed.success ? parsed.data : { sinceMs: 0, reason: null };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Told by the schema.
    return undefined;
  }
}
