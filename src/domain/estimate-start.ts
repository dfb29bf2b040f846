/** Fewer durations than this say nothing of the next one. */
const LEAST_DURATIONS = 3;

/**
 * In how many milliseconds a waiting job may start: the median of recent durations for each round of jobs before it, half a round on
 * average until the first slot is free. 0: a slot is free now; `null`: nobody can tell.
 */
export function estimateStartMs(queue: {
  /** From 1. */
  position: number;
  /** Of the runners that are online and could take it. */
  slots: number;
  freeSlots: number;
  durationsMs: readonly number[];
}): number | null {
  const { position, slots, freeSlots, durationsMs } = queue;
  if (slots === 0) return null;
  if (position <= freeSlots) return 0;
  const sorted = durationsMs.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (median === undefined || sorted.length < LEAST_DURATIONS) return null;
  const fullRounds = Math.floor((position - freeSlots - 1) / slots);
  return Math.round(median * (0.5 + fullRounds));
}
