/** What is left of the requests that an installation may make in an hour; the coordinator and all runners share it. */
export type RequestBudget = { limit: number; remaining: number };

/** Below this part of the budget, looking for work has to stand back behind those who work. */
const LOW = 0.2;
/** With nothing left, looks come so much more rarely. */
const SLOWEST = 4;
/** However many things are looked at: GitHub counts requests that change nothing, too, when many come at once. */
const LOOKS_A_SECOND = 2;

/**
 * How long to wait until the next look for work, in milliseconds: `baseMs` and up to half of it more, so that several runners don't
 * look together; longer when a look takes many requests, and up to four times as long when less than a fifth of the budget is left.
 */
export function toPauseMs(look: {
  baseMs: number;
  /** Requests of the last look. */
  requests: number;
  budget: RequestBudget | null;
  /** 0 ≤ n < 1. */
  chance: number;
}): number {
  const { baseMs, requests, budget, chance } = look;
  const left = budget === null ? 1 : budget.remaining / budget.limit;
  const slower = left >= LOW ? 1 : 1 + (SLOWEST - 1) * (1 - left / LOW);
  const leastMs = (requests / LOOKS_A_SECOND) * 1000;
  return Math.max(baseMs, leastMs) * slower * (1 + chance / 2);
}
