import { readFile } from 'node:fs/promises';
import type { SandboxLimits } from './sandbox-settings.ts';

/** What the runner itself may use at most: no command that it starts can be allowed more. */
export type OwnLimits = { processes: number; openFiles: number };

/** From /proc/self/limits; without limits where that can't be read. */
export async function readOwnLimits(): Promise<OwnLimits> {
  // Without the file (not Linux) there is no sandbox either.
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const hard = (name: string): number => {
    const found = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)`, 'm').exec(text)?.[1];
    return found === undefined ? Number.POSITIVE_INFINITY : Number(found);
  };
  return { processes: hard('Max processes'), openFiles: hard('Max open files') };
}

/** For a process that handles SIGXCPU. */
const SECONDS_TO_END = 5;

/** The limits as options of prlimit(1), which sets them before it starts the command that follows. */
export function toPrlimitOptions(limits: SandboxLimits, own: OwnLimits): string[] {
  return [
    // A core dump would hold what the process had in memory.
    '--core=0',
    `--nproc=${Math.min(limits.processes, own.processes)}`,
    `--nofile=${Math.min(limits.openFiles, own.openFiles)}`,
    `--fsize=${limits.fileBytes}`,
    // The signal names the limit, where the kernel's own end (at the hard one) could be anybody's.
    `--cpu=${limits.cpuSeconds}:${limits.cpuSeconds + SECONDS_TO_END}`,
    ...(limits.addressSpaceBytes === null ? [] : [`--as=${limits.addressSpaceBytes}`]),
  ];
}
