import { formatCost } from './figures-text.ts';
import type { AttemptBudget } from './job.ts';
import { type DailyLimits, describeMeasure, type Spending } from './spending.ts';

/** What an attempt uses up, and is stopped by. */
export type Rest = Pick<Spending, 'costUsd' | 'minutes'>;
const MEASURES = ['costUsd', 'minutes'] as const;

/** A limit of a day beside what it is held against. */
export type Measured = {
  /** How people know it: `acme/widgets`, or a login. */
  whose: string;
  used: Spending;
  /** What attempts under way may still use. */
  setAside: Rest;
  limits: DailyLimits;
};

/** With less than this, or than this part of what the job or the day may use, an attempt would end before its agent has done anything. */
const LEAST: Rest = { costUsd: 0.01, minutes: 1 };
const LEAST_PART = 0.02;

/** Why a job waits although a runner may have room. Plain text. */
export type NoRest = { code: 'day_used_up' | 'day_set_aside'; reason: string };

/** `null`: the day leaves enough for one more attempt of a job with this budget. */
export function findNoRest(
  measured: readonly Measured[],
  { maxBudgetUsd, maxMinutes }: AttemptBudget,
): NoRest | null {
  const own: Rest = { costUsd: maxBudgetUsd, minutes: maxMinutes };
  const short = measured.flatMap(({ whose, used, setAside, limits }) =>
    MEASURES.flatMap((measure) => {
      const limit = limits[measure];
      if (limit === undefined) return [];
      const left = limit - used[measure];
      const least = Math.max(LEAST[measure], Math.min(own[measure], limit) * LEAST_PART);
      return left - setAside[measure] >= least
        ? []
        : [{ whose, measure, limit, used: used[measure], left, least }];
    }),
  );
  const usedUp = short.find(({ left, least }) => left < least);
  if (usedUp !== undefined) {
    const { whose, limit, measure, left, least } = usedUp;
    const how =
      left < LEAST[measure]
        ? `The limit for ${whose} is used up for today: ${describeMeasure(usedUp)}`
        : `What the limit for ${whose} leaves for today is too little to begin with: ${describeMeasure({ ...usedUp, used: left })}`;
    // One that allows less is used up on any day.
    const again = limit < least ? '' : 'at 00:00 UTC, or ';
    return {
      code: 'day_used_up',
      reason: `${how} (limits in the settings). It goes on ${again}when the limit is raised.`,
    };
  }
  const [held] = short;
  if (held === undefined) return null;
  return {
    code: 'day_set_aside',
    reason: `What the limit for ${held.whose} leaves for today is set aside for work under way: ${describeMeasure({ ...held, used: held.left })} (limits in the settings). It begins when that work has ended and left some of it, or when the limit is raised.`,
  };
}

/** What one more attempt may use up so that the day's limits are kept, whatever those under way come to; `undefined` = no limit. */
export function toRest(measured: readonly Omit<Measured, 'whose'>[]): Pick<DailyLimits, keyof Rest> {
  const least = (measure: keyof Rest): number | undefined => {
    const left = measured.flatMap(({ used, setAside, limits }) => {
      const limit = limits[measure];
      return limit === undefined ? [] : [limit - used[measure] - setAside[measure]];
    });
    return left.length === 0 ? undefined : Math.min(...left);
  };
  return { costUsd: least('costUsd'), minutes: least('minutes') };
}

/** What an attempt of a job may use: the job's own budget, unless the day left it less when it was offered. */
export function toBudget(
  { settings: { maxBudgetUsd, maxMinutes } }: { settings: AttemptBudget },
  attempt: { budget: AttemptBudget | null } | null,
): AttemptBudget {
  return attempt?.budget ?? { maxBudgetUsd, maxMinutes };
}

/** The budget of an attempt that begins now; `null` where the day leaves all that the job may use. */
export function cutToRest(
  { maxBudgetUsd, maxMinutes }: AttemptBudget,
  rest: Pick<DailyLimits, keyof Rest>,
): AttemptBudget | null {
  const cut = {
    // To the millionth, as money is added up.
    maxBudgetUsd: Math.min(maxBudgetUsd, Math.round((rest.costUsd ?? Infinity) * 1e6) / 1e6),
    maxMinutes: Math.min(maxMinutes, Math.floor(rest.minutes ?? Infinity)),
  };
  return cut.maxBudgetUsd < maxBudgetUsd || cut.maxMinutes < maxMinutes ? cut : null;
}

/** What people are told of a budget that was cut; whoever reaches it is stopped like anybody who reaches the job's own. `null`: nothing. */
export function describeCut(
  job: { settings: AttemptBudget; kind: 'resolve' | 'revise' },
  attempt: { budget: AttemptBudget | null } | null,
): string | null {
  const { maxBudgetUsd, maxMinutes } = toBudget(job, attempt);
  const left = [
    ...(maxBudgetUsd < job.settings.maxBudgetUsd ? [formatCost(maxBudgetUsd)] : []),
    ...(maxMinutes < job.settings.maxMinutes
      ? [`${maxMinutes} ${maxMinutes === 1 ? 'minute' : 'minutes'}`]
      : []),
  ];
  if (left.length === 0) return null;
  const becomes = job.kind === 'resolve' ? 'becomes a draft pull request' : 'is kept as a patch';
  return `Today’s limits leave this job ${left.join(' and ')}. If it gets there, its work so far ${becomes}.`;
}
