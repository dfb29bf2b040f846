import process from 'node:process';
import type { AttemptId } from '../contract/identifiers.ts';
import type { Clock } from '../lib/clock.ts';
import { listProcesses, type ProcessEntry, wasStartedWith } from '../lib/list-processes.ts';
import { MARK_VARIABLE } from '../lib/run-command.ts';

const LOOK_AGAIN_MS = 25;
/** A process that is still there so long after SIGKILL waits for a device, and no signal helps. */
const GIVE_UP_MS = 5000;

/** By what the processes of an attempt are known. */
export type AttemptMarks = {
  attemptId: AttemptId;
  /** Their HOME, which no two attempts share; `null` before there is one. */
  homeFolder: string | null;
  /** Seen earlier; the start time has to fit too. */
  processes: readonly { pid: number; startedAt: string }[];
};

/**
 * What runs for an attempt now: known from earlier (same id *and* same start time), started with the attempt's mark or HOME in its
 * environment, or a descendant of such a process. `own`: only children of this process are asked for their environment. That finds all
 * but those that left their parents since the last look, and costs a tenth where many processes run.
 */
export async function findAttemptProcesses(
  marks: AttemptMarks,
  asked: 'all' | 'own' = 'all',
): Promise<ProcessEntry[]> {
  const all = (await listProcesses()).filter((entry) => entry.pid !== process.pid && entry.pid > 1);
  const known = new Map(marks.processes.map(({ pid, startedAt }) => [pid, startedAt]));
  const entries = [
    `${MARK_VARIABLE}=${marks.attemptId}`,
    ...(marks.homeFolder === null ? [] : [`HOME=${marks.homeFolder}`]),
  ];
  const family = new Set(
    all.filter(
      ({ pid, startedAt, parent }) =>
        known.get(pid) === startedAt ||
        ((asked === 'all' || parent === process.pid) && wasStartedWith(pid, entries)),
    ),
  );
  let before = -1;
  while (family.size > before) {
    before = family.size;
    const pids = new Set([...family].map((entry) => entry.pid));
    for (const entry of all) if (pids.has(entry.parent)) family.add(entry);
  }
  return [...family];
}

/** Kills what is left of an attempt, and resolves when it is gone. Answers how many processes that were. */
export async function endAttemptProcesses(marks: AttemptMarks, clock: Clock): Promise<number> {
  const killed = new Set<number>();
  const giveUpAtMs = clock.monotonicMs() + GIVE_UP_MS;
  let alive = await findAttemptProcesses(marks);
  // Until a look finds nothing: what was just killed may have forked in the meantime.
  while (alive.length > 0 && clock.monotonicMs() < giveUpAtMs) {
    for (const { pid } of alive) {
      killed.add(pid);
      kill(pid);
    }
    await clock.sleep(LOOK_AGAIN_MS);
    alive = await findAttemptProcesses(marks);
  }
  return killed.size;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself since it was listed, which is what was wanted.
  }
}
