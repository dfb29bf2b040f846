import type { Kysely } from 'kysely';
import type { RepositoryRef } from '../contract/job.ts';
import { toBudget } from '../domain/day-rest.ts';
import type { AllJobSettings, Attempt } from '../domain/job.ts';
import { SLOT_STATES } from '../domain/job-lifecycle.ts';
import type { DaySpending, MonthlySpending, Spending } from '../domain/spending.ts';
import type { Schema } from './schema.ts';

type Whose = { repositoryId: number; requestedBy?: string };

/** What jobs have used up; refused jobs count for nothing. */
export type SpendingQueries = {
  /**
   * A day of one repository from its beginning until now; of one person in it, when `requestedBy` is given. Jobs count when they are asked for,
   * minutes as they pass, money for the day on which its attempt ends, and until then for every day on which it works. To be read by one who
   * offers in the turn of all who do. Three statements.
   */
  ofDay(whose: Whose, time: { sinceMs: number; nowMs: number }): Promise<DaySpending>;
  /**
   * By repository and specialty, the most expensive first; of one repository (`owner/name`, in any case) when it is given. Everything counts
   * for the time at which its job was asked for.
   */
  between(
    time: { fromMs: number; toMs: number; nowMs: number },
    repository?: string | null,
  ): Promise<MonthlySpending[]>;
};

export function createSpendingQueries(db: Kysely<Schema>): SpendingQueries {
  const attemptsOfJobs = (nowMs: number) =>
    db
      .selectFrom('jobs')
      .leftJoin('attempts', 'attempts.job_id', 'jobs.id')
      .select((eb) => [
        eb.fn.count<number>('jobs.id').distinct().as('jobs'),
        eb.fn.sum<number | string | null>('attempts.cost_micro_usd').as('cost'),
        eb.fn
          .sum<number | string | null>(
            eb(eb.fn.coalesce('attempts.finished_at', eb.val(nowMs)), '-', eb.ref('attempts.accepted_at')),
          )
          .as('worked'),
      ])
      .where('jobs.state', '!=', 'refused');

  const jobsOf = ({ repositoryId, requestedBy }: Whose) =>
    db
      .selectFrom('jobs')
      .where('jobs.repository_id', '=', repositoryId)
      .$if(requestedBy !== undefined, (query) => query.where('jobs.requested_by', '=', requestedBy ?? ''));

  async function countJobs(whose: Whose, sinceMs: number): Promise<number> {
    const row = await jobsOf(whose)
      .select((eb) => eb.fn.countAll<number>().as('jobs'))
      .where('jobs.created_at', '>=', sinceMs)
      .where('jobs.state', '!=', 'refused')
      .executeTakeFirstOrThrow();
    return row.jobs;
  }

  /** With what each has told that it used, in millionths of a dollar; of those offered and not taken yet, nothing. */
  async function ofLiveAttempts(whose: Whose) {
    const rows = await jobsOf(whose)
      .innerJoin('attempts', 'attempts.id', 'jobs.attempt_id')
      .select(['jobs.settings', 'attempts.budget', 'attempts.progress', 'attempts.accepted_at'])
      .where('jobs.state', 'in', SLOT_STATES)
      .where('attempts.finished_at', 'is', null)
      .execute();
    return rows.map((row) => {
      // Written by `toRow` and `toColumns`.
      const settings = JSON.parse(row.settings) as AllJobSettings;
      const budget = row.budget === null ? null : (JSON.parse(row.budget) as Attempt['budget']);
      return {
        budget: toBudget({ settings }, { budget }),
        cost: toToldCost(row.progress),
        acceptedAtMs: row.accepted_at,
      };
    });
  }

  /** Of those that were lost, what they told last counts. */
  async function ofEndedAttempts(whose: Whose, sinceMs: number) {
    const rows = await jobsOf(whose)
      .innerJoin('attempts', 'attempts.job_id', 'jobs.id')
      .select([
        'attempts.cost_micro_usd',
        'attempts.progress',
        'attempts.accepted_at',
        'attempts.finished_at',
      ])
      .where('attempts.finished_at', '>=', sinceMs)
      .execute();
    return rows.map((row) => ({
      cost: row.cost_micro_usd ?? toToldCost(row.progress),
      acceptedAtMs: row.accepted_at,
      endMs: row.finished_at ?? sinceMs,
    }));
  }

  return {
    async ofDay(whose, { sinceMs, nowMs }) {
      // Before those that have ended: one that ends between the two counts twice for a moment, and never not at all.
      const live = await ofLiveAttempts(whose);
      const ended = await ofEndedAttempts(whose, sinceMs);
      const used = [
        ...ended,
        ...live.map(({ cost, acceptedAtMs }) => ({ cost, acceptedAtMs, endMs: nowMs })),
      ];
      const minutesOf = ({ acceptedAtMs, endMs }: (typeof used)[number]): number =>
        acceptedAtMs === null ? 0 : Math.max(0, endMs - Math.max(acceptedAtMs, sinceMs)) / 60_000;
      const leftOf = ({ budget, cost, acceptedAtMs }: (typeof live)[number]) => ({
        costUsd: Math.max(0, budget.maxBudgetUsd - cost / 1e6),
        minutes: Math.max(0, budget.maxMinutes - (nowMs - (acceptedAtMs ?? nowMs)) / 60_000),
      });
      return {
        used: {
          jobs: await countJobs(whose, sinceMs),
          // Added up as whole numbers, so without error.
          costUsd: sum(used.map(({ cost }) => cost)) / 1e6,
          minutes: sum(used.map(minutesOf)),
        },
        setAside: {
          costUsd: sum(live.map((attempt) => leftOf(attempt).costUsd)),
          minutes: sum(live.map((attempt) => leftOf(attempt).minutes)),
        },
      };
    },

    async between({ fromMs, toMs, nowMs }, wanted = null) {
      const rows = await attemptsOfJobs(nowMs)
        .select((eb) => [
          'jobs.repository_id',
          'jobs.specialty',
          // A repository that was renamed counts as one, by its newest name.
          eb.fn.max('jobs.repository').as('repository'),
          eb.fn.sum<number | string | null>('attempts.input_tokens').as('inputTokens'),
          eb.fn.sum<number | string | null>('attempts.output_tokens').as('outputTokens'),
          eb.fn
            .count<number>(
              eb
                .case()
                // A revision goes into one that was counted when it was opened.
                .when(eb.and([eb('jobs.outcome', '=', 'pull_request'), eb('jobs.kind', '=', 'resolve')]))
                .then(eb.ref('jobs.id'))
                .end(),
            )
            .distinct()
            .as('pullRequests'),
        ])
        .where('jobs.created_at', '>=', fromMs)
        .where('jobs.created_at', '<', toMs)
        .groupBy(['jobs.repository_id', 'jobs.specialty'])
        .execute();
      return rows
        .map((row) => {
          // Written by the job's insert.
          const { owner, name } = JSON.parse(row.repository) as RepositoryRef;
          const { specialty, pullRequests } = row;
          return {
            repository: `${owner}/${name}`,
            specialty,
            pullRequests,
            ...toSpending(row),
            ...(row.cost === null && Number(row.worked ?? 0) > 0 ? { costUsd: null } : {}),
            inputTokens: Number(row.inputTokens ?? 0),
            outputTokens: Number(row.outputTokens ?? 0),
          };
        })
        .filter(({ repository }) => wanted === null || repository.toLowerCase() === wanted.toLowerCase())
        .sort(
          (a, b) =>
            (b.costUsd ?? 0) - (a.costUsd ?? 0) || b.jobs - a.jobs || (a.repository < b.repository ? -1 : 1),
        );
    },
  };
}

/** In millionths of a dollar, by the newest heartbeat that brought figures. */
function toToldCost(progress: string | null): number {
  // Written by `toColumns`.
  const told = progress === null ? null : (JSON.parse(progress) as NonNullable<Attempt['progress']>);
  return Math.round((told?.usage.costUsd ?? 0) * 1e6);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** PostgreSQL adds bigints up to a text. */
function toSpending(row: {
  jobs: number;
  cost: number | string | null;
  worked: number | string | null;
}): Spending {
  return {
    jobs: row.jobs,
    costUsd: Number(row.cost ?? 0) / 1e6,
    minutes: Number(row.worked ?? 0) / 60_000,
  };
}
