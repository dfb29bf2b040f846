import { patternToExpression } from './router.ts';

/** What shall go wrong, and for which requests. */
export type FaultPlan = {
  method?: string;
  /** Path without the `/api/v3` prefix and query; a text may hold `:segment`, `#number` and `*rest`. */
  path: RegExp | string;
  /** An actor as in the exchange log; `installation:7` also stands for all tokens of installation 7. */
  actor?: string;
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** Wait this long before anything else. */
  delayMs?: number;
  /**
   * Cut the connection: `before` anything is done, or `after` it is done, so that only the answer is lost.
   */
  breakSocket?: 'before' | 'after';
  /** How many requests it hits; without it, all until `clear`. */
  times?: number;
};

/** Faults on demand; the oldest that fits a request is used. */
export function createFaults() {
  let active: { plan: FaultPlan; expression: RegExp; remaining: number }[] = [];

  return {
    add(plan: FaultPlan): { remaining(): number } {
      const expression = typeof plan.path === 'string' ? patternToExpression(plan.path) : plan.path;
      const fault = { plan, expression, remaining: plan.times ?? Number.POSITIVE_INFINITY };
      active.push(fault);
      return { remaining: () => fault.remaining };
    },

    clear(): void {
      active = [];
    },

    /** The fault for this request, if any, used up by one. */
    take(request: { method: string; path: string; actor: string }): FaultPlan | undefined {
      const fault = active.find(
        ({ plan, expression, remaining }) =>
          remaining > 0 &&
          (plan.method === undefined || plan.method === request.method) &&
          (plan.actor === undefined || isActor(request.actor, plan.actor)) &&
          request.path.search(expression) >= 0,
      );
      if (!fault) return undefined;
      fault.remaining -= 1;
      return fault.plan;
    },
  };
}

export type Faults = ReturnType<typeof createFaults>;

function isActor(actual: string, wanted: string): boolean {
  return actual === wanted || actual.startsWith(`${wanted}:`);
}
