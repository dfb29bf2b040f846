import { formatCost } from './figures-text.ts';

/** What jobs have used up. */
export type Spending = {
  jobs: number;
  /** By the agents' own estimates; what nobody could say is not in it. */
  costUsd: number;
  /** Of runners, from accepting an attempt to its end. */
  minutes: number;
};

/** A day so far. `setAside`: what attempts under way may use beyond what they have told so far. */
export type DaySpending = { used: Spending; setAside: Pick<Spending, 'costUsd' | 'minutes'> };

export type MonthlySpending = Omit<Spending, 'costUsd'> & {
  /** `null`: there was work, and no agent could say. */
  costUsd: number | null;
  /** `owner/name`. */
  repository: string;
  specialty: string;
  pullRequests: number;
  /** Of the model, as far as agents tell. */
  inputTokens: number;
  outputTokens: number;
};

/** The most for one day; `undefined` = no limit. */
export type DailyLimits = Partial<Record<keyof Spending, number | undefined>>;

/** Part of a limit from which on people are warned. */
const WARN_AT = 0.8;

/** Ms of the beginning of the day (UTC) that holds `nowMs`. */
export function toDayStartMs(nowMs: number): number {
  const dayMs = 24 * 60 * 60 * 1000;
  return Math.floor(nowMs / dayMs) * dayMs;
}

/** Words of a refusal by which people, and what tells them what to do next, know that it holds for today. */
export const BEGINS_ANEW = 'It begins anew at 00:00 UTC';

/** `refused`: one more job would go over. `warning`: this one may start, and soon no more. Plain text for people. */
export type LimitVerdict = { kind: 'free' } | { kind: 'warning' | 'refused'; reason: string };

/**
 * Whether one more job may be taken on today. `whose` is how people know the limit: "acme/widgets" or a login. Jobs count when they are
 * asked for, money and minutes as attempts use them up; what is left when the job's turn has come is looked at then (`day-rest.ts`).
 */
export function judgeDailyLimit(whose: string, used: Spending, limits: DailyLimits): LimitVerdict {
  const measures = (['jobs', 'costUsd', 'minutes'] as const).flatMap((measure) => {
    const limit = limits[measure];
    return limit === undefined ? [] : [{ measure, limit, used: used[measure] }];
  });
  const over = measures.find(({ limit, used }) => used >= limit);
  if (over !== undefined) {
    return {
      kind: 'refused',
      reason: `The limit for ${whose} is used up for today: ${describeMeasure(over)}. ${BEGINS_ANEW}; limits are in the settings of the repository or its organisation.`,
    };
  }
  const near = measures.find(
    ({ limit, used, measure }) => (measure === 'jobs' ? used + 1 : used) >= limit * WARN_AT,
  );
  if (near === undefined) return { kind: 'free' };
  const counted = near.measure === 'jobs' ? { ...near, used: near.used + 1 } : near;
  return {
    kind: 'warning',
    reason: `The limit for ${whose} is nearly used up for today: ${describeMeasure(counted)}.`,
  };
}

/** Ms of the beginning of the month (UTC) that holds `nowMs`. */
export function toMonthStartMs(nowMs: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth());
}

/** Whether there is any limit at all. */
export function isLimited(limits: DailyLimits): boolean {
  return Object.values(limits).some((limit) => limit !== undefined);
}

/** How much of each limit is used up: `3 of 40 jobs`. Empty where nothing is limited. */
export function describeUse(used: Spending, limits: DailyLimits): string[] {
  return (['jobs', 'costUsd', 'minutes'] as const).flatMap((measure) => {
    const limit = limits[measure];
    return limit === undefined ? [] : [describeMeasure({ measure, limit, used: used[measure] })];
  });
}

/** `3 of 40 jobs`. */
export function describeMeasure({
  measure,
  limit,
  used,
}: {
  measure: keyof Spending;
  limit: number;
  used: number;
}): string {
  switch (measure) {
    case 'jobs':
      return `${used} of ${limit} ${limit === 1 ? 'job' : 'jobs'}`;
    case 'costUsd':
      return `${formatCost(used)} of ${formatCost(limit)}`;
    case 'minutes':
      return `${Math.round(used)} of ${limit} ${limit === 1 ? 'minute' : 'minutes'}`;
    default:
      return measure satisfies never;
  }
}
