import type { TestContext } from 'vitest';

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

/** For the table that the suite prints at its end. */
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
}

/** Milliseconds since `sinceMs` of `performance.now()`. */
export function elapsedMs(sinceMs: number): number {
  return performance.now() - sinceMs;
}
