import type { TestContext } from 'vitest';
import { FASTER } from './fault-timings.ts';

declare module 'vitest' {
  // What tests tell the reporter can only be typed by merging with this interface.
  interface TaskMeta {
    recoveries?: Recovery[];
  }
}

/** How long it took from the end of a fault until everything was well again. */
export type Recovery = {
  /** Row of the fault table. */
  row: string;
  /** Which variant of it. */
  variant: string;
  /** How often it was done. */
  times: number;
  medianMs: number;
  worstMs: number;
};

/** What programs take for themselves, which no pace makes shorter: starting, git, a whole job behind the fault. */
const WHOLE_JOB_MS = 20_000;
/** The same where no job follows. */
const NO_JOB_MS = 6000;

type Bound = { seconds: number; ownMs: number };

/** From the protocol's table of faults, where it says how long a recovery may take, in seconds of the real timings. */
const BOUNDS: Readonly<Record<string, Bound>> = {
  'runner kill -9 while running': { seconds: 270, ownMs: WHOLE_JOB_MS },
  // The lease is 900 s there, and the coordinator has to look.
  'runner kill -9 while running, by way of GitHub': { seconds: 935, ownMs: WHOLE_JOB_MS },
  'coordinator kill -9 at any line': { seconds: 60, ownMs: WHOLE_JOB_MS },
  'one of several coordinators dies': { seconds: 75, ownMs: WHOLE_JOB_MS },
  'cancel at any moment': { seconds: 25, ownMs: NO_JOB_MS },
  // Counted as done after 60 s without an answer.
  'cancel at any moment, the runner asleep': { seconds: 75, ownMs: NO_JOB_MS },
  // By an event, they are cancels like all others.
  'app uninstalled, repository removed, issue closed, transferred': { seconds: 25, ownMs: NO_JOB_MS },
  'webhook twice, late, out of order, never': { seconds: 900, ownMs: WHOLE_JOB_MS },
};
const BOUNDLESS: Bound = { seconds: Infinity, ownMs: 0 };

/** For the table that the suite prints at its end. Throws when it took longer than the protocol allows. */
export function noteRecovery(
  { task }: Pick<TestContext, 'task'>,
  row: string,
  variant: string,
  milliseconds: readonly number[],
): void {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  const worst = sorted.at(-1);
  if (median === undefined || worst === undefined) throw new Error(`nothing was measured for ${row}`);
  task.meta.recoveries = [
    ...(task.meta.recoveries ?? []),
    { row, variant, times: sorted.length, medianMs: median, worstMs: worst },
  ];
  const { seconds, ownMs } = BOUNDS[row] ?? BOUNDLESS;
  const mostMs = (seconds * 1000) / FASTER + ownMs;
  if (worst > mostMs)
    throw new Error(
      `${row} (${variant}): it took ${Math.round(worst)} ms to recover, at most ${mostMs} ms are allowed`,
    );
}

/** Milliseconds since `sinceMs` of `performance.now()`. */
export function elapsedMs(sinceMs: number): number {
  return performance.now() - sinceMs;
}
