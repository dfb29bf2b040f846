import { readFileSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { listProcesses } from './list-processes.ts';

const LOOK_EVERY_MS = 1000;

/**
 * Looks once a second at the memory of a process and all that it started, and resolves when it is more than `maxBytes`; rejects with the
 * signal's reason when that aborts. Linux only; elsewhere it never resolves.
 *
 * By looking, since a limit of the kernel's for a tree is a cgroup, which only root or systemd hands out, and `RLIMIT_AS` counts what is
 * reserved: Node.js, Go and Java reserve many times what they use. Pages that are shared count once, so that a hundred forks are no
 * hundred programs. What grows faster than that, or is in no process, is left to the kernel.
 */
export async function watchMemory(options: {
  rootPid: number;
  maxBytes: number;
  clock: Clock;
  signal: AbortSignal;
}): Promise<void> {
  const { rootPid, maxBytes, clock, signal } = options;
  for (;;) {
    await clock.sleep(LOOK_EVERY_MS, signal);
    const pids = await listFamily(rootPid);
    // What is exact costs the kernel a walk through all pages, so first what is quick and never too low.
    const isOver = sum(pids.map(residentBytes)) > maxBytes && sum(pids.map(shareBytes)) > maxBytes;
    if (isOver) return;
  }
}

async function listFamily(rootPid: number): Promise<number[]> {
  const children = Map.groupBy(await listProcesses(), ({ parent }) => parent);
  const family = [rootPid];
  for (const pid of family) family.push(...(children.get(pid) ?? []).map((child) => child.pid));
  return family;
}

function residentBytes(pid: number): number {
  return readKilobytes(`/proc/${pid}/status`, /^VmRSS:\s+(\d+) kB$/m) ?? 0;
}

/** What is shared by n processes counts an nth in each. */
function shareBytes(pid: number): number {
  return readKilobytes(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+) kB$/m) ?? residentBytes(pid);
}

function readKilobytes(file: string, line: RegExp): number | null {
  try {
    const found = line.exec(readFileSync(file, 'latin1'))?.[1];
    return found === undefined ? null : Number(found) * 1024;
  } catch {
    // It ended meanwhile, or the kernel doesn't tell.
    return null;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
