import type { Kysely } from 'kysely';
import type { RepositoryRef } from '../contract/job.ts';
import type { MonthlySpending, Spending } from '../domain/spending.ts';
import type { Schema } from './schema.ts';

/** What jobs have used up. Everything counts for the time at which its job was asked for; refused jobs count for nothing. */
export type SpendingQueries = {
  /** Of one repository since then; of one person in it, when `requestedBy` is given. */
  since(
    whose: { repositoryId: number; requestedBy?: string },
    time: { sinceMs: number; nowMs: number },
  ): Promise<Spending>;
  /** By repository and specialty, the most expensive first; of one repository (`owner/name`, in any case) when it is given. */
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

  return {
    async since({ repositoryId, requestedBy }, { sinceMs, nowMs }) {
      const row = await attemptsOfJobs(nowMs)
        .where('jobs.repository_id', '=', repositoryId)
        .where('jobs.created_at', '>=', sinceMs)
        .$if(requestedBy !== undefined, (query) => query.where('jobs.requested_by', '=', requestedBy ?? ''))
        .executeTakeFirstOrThrow();
      return toSpending(row);
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
