import { execFile } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import process from 'node:process';
import { promisify } from 'node:util';

/** A running process. One that has ended and is only waiting to be collected is not listed. */
export type ProcessEntry = {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** Tells two processes apart that had the same id one after the other. */
  startedAt: string;
};

/** All processes of this machine that can be seen. Linux: from /proc, at one go. Elsewhere: from `ps`; `[]` without it. */
export async function listProcesses(): Promise<ProcessEntry[]> {
  return process.platform === 'linux' ? listFromProc() : await listFromPs();
}

/**
 * Whether a process was started with one of these `NAME=value` in its environment. Only Linux tells, and only about one's own
 * processes; otherwise `false`.
 */
export function wasStartedWith(pid: number, entries: readonly string[]): boolean {
  if (process.platform !== 'linux') return false;
  const environment = readIfThere(`/proc/${pid}/environ`);
  return environment !== null && entries.some((entry) => `\0${environment}`.includes(`\0${entry}\0`));
}

/**
 * For comparing with `startedAt` of others: of the same machine, the smaller one started first. Also of a process that has ended and is not
 * collected yet. `null` where nobody tells: everywhere but on Linux.
 */
export function startTimeOf(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  const stat = readStat(pid);
  return stat === null ? null : Number(fieldsOf(stat)[19]);
}

// Synchronous on purpose: these are reads from memory, and a process must not fork away between two of them.
function listFromProc(): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(name) : null;
    const entry = stat === null ? null : parseStat(Number(name), stat);
    if (entry !== null) entries.push(entry);
  }
  return entries;
}

/** For one line, whose name the kernel cuts at 64 characters. Many are read in a row: a buffer for each would be most of the work. */
const statLine = Buffer.alloc(1024);

function readStat(pid: number | string): string | null {
  let file: number;
  try {
    file = openSync(`/proc/${pid}/stat`, 'r');
  } catch {
    // It ended since the folder was listed.
    return null;
  }
  try {
    return statLine.toString('latin1', 0, readSync(file, statLine, 0, statLine.length, 0));
  } catch {
    // It ended in between.
    return null;
  } finally {
    closeSync(file);
  }
}

/** What comes after the name: that may hold anything, even `) `. */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** `pid (name) state ppid pgrp session …`, see proc_pid_stat(5). */
function parseStat(pid: number, stat: string): ProcessEntry | null {
  const fields = fieldsOf(stat);
  const [state, parent, group, session] = fields;
  const startedAt = fields[19];
  if (startedAt === undefined || state === 'Z' || state === 'X') return null;
  return { pid, parent: Number(parent), group: Number(group), session: Number(session), startedAt };
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It has ended, or belongs to someone else: either way not ours to see.
    return null;
  }
}

async function listFromPs(): Promise<ProcessEntry[]> {
  try {
    const columns = 'pid=,ppid=,pgid=,sess=,stat=,lstart=';
    const { stdout } = await promisify(execFile)('ps', ['-A', '-o', columns], {
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout.split('\n').flatMap(parsePsLine);
  } catch {
    // Without `ps` what is left is the signal to the process group.
    return [];
  }
}

function parsePsLine(line: string): ProcessEntry[] {
  const [pid, parent, group, session, state, ...startedAt] = line.trim().split(/\s+/);
  if (state === undefined || state.startsWith('Z')) return [];
  return [
    {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
      startedAt: startedAt.join(' '),
    },
  ];
}
