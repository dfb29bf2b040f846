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

/** From the protocol's table of faults, where it says how long a recovery may take, in seconds of the real timings. */
const BOUND_SECONDS: Readonly<Record<string, number>> = {
  'runner kill -9 while running': 270,
  'coordinator kill -9 at any line': 60,
  'one of several coordinators dies': 75,
  'cancel at any moment': 75,
  'webhook twice, late, out of order, never': 900,
};
/** What programs take for themselves, which no pace makes shorter: starting, git, a whole job behind the fault. */
const OWN_MS = 20_000;

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
  const mostMs = ((BOUND_SECONDS[row] ?? Infinity) * 1000) / FASTER + OWN_MS;
  if (worst > mostMs)
    throw new Error(
      `${row} (${variant}): it took ${Math.round(worst)} ms to recover, at most ${mostMs} ms are allowed`,
    );
}

/** Milliseconds since `sinceMs` of `performance.now()`. */
export function elapsedMs(sinceMs: number): number {
  return performance.now() - sinceMs;
}
