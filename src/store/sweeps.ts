import type { Kysely } from 'kysely';
import type { JobId } from '../contract/identifiers.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { Schema } from './schema.ts';

/** What sweeps keep between their rounds, over all coordinators. Every call is one statement. */
export type SweepQueries = {
  /** True for one coordinator at a time when the sweep is due; it then has until `untilMs`. A sweep that has never been is due. */
  take(name: string, nowMs: number, untilMs: number): Promise<boolean>;
  /** It was done, or failed: it is due again then. */
  release(name: string, dueAtMs: number): Promise<void>;
  /** Makes it due now, unless it is being done. */
  hurry(name: string, nowMs: number): Promise<void>;
  /** Up to where a sweep has come, in its own words; `null` before the first time. */
  getMark(name: string): Promise<string | null>;
  putMark(name: string, mark: string): Promise<void>;

  /** The repositories that the App is installed on, as far as we know, by id. */
  repositories(): Promise<RepositoryTarget[]>;
  putRepository(target: RepositoryTarget): Promise<void>;
  forgetRepositories(installationId: number, repositoryIds: readonly number[] | 'all'): Promise<void>;

  /** GitHub can't be told how this job ends, as long as the App does not reach its repository. */
  putOutOfReach(job: { id: JobId; repository: { id: number } }): Promise<void>;
  /** Repositories that have such jobs, by id. */
  repositoriesOutOfReach(): Promise<Set<number>>;
  /** Such jobs of the repository, which are forgotten with it. */
  takeOutOfReach(repositoryId: number): Promise<JobId[]>;

  /** Labels that were renamed, in lower case, and the one that each stands for. */
  labelAliases(repositoryId: number): Promise<Map<string, string>>;
  putLabelAlias(repositoryId: number, name: string, standsFor: string): Promise<void>;
  dropLabelAlias(repositoryId: number, name: string): Promise<void>;
};

export function createSweepQueries(db: Kysely<Schema>): SweepQueries {
  return {
    async take(name, nowMs, untilMs) {
      const rows = await db
        .insertInto('sweeps')
        .values({ name, due_at: nowMs, lease_until: untilMs, mark: null })
        .onConflict((conflict) =>
          conflict
            .column('name')
            .doUpdateSet({ lease_until: untilMs })
            .where('sweeps.due_at', '<=', nowMs)
            .where('sweeps.lease_until', '<=', nowMs),
        )
        .returning('name')
        .execute();
      return rows.length > 0;
    },

    async release(name, dueAtMs) {
      await db
        .updateTable('sweeps')
        .set({ due_at: dueAtMs, lease_until: 0 })
        .where('name', '=', name)
        .execute();
    },

    async hurry(name, nowMs) {
      await db
        .updateTable('sweeps')
        .set({ due_at: nowMs })
        .where('name', '=', name)
        .where('due_at', '>', nowMs)
        .execute();
    },

    async getMark(name) {
      const row = await db.selectFrom('sweeps').select('mark').where('name', '=', name).executeTakeFirst();
      return row?.mark ?? null;
    },

    async putMark(name, mark) {
      await db
        .insertInto('sweeps')
        .values({ name, due_at: 0, lease_until: 0, mark })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ mark }))
        .execute();
    },

    async repositories() {
      const rows = await db.selectFrom('repositories').selectAll().orderBy('id').execute();
      return rows.map((row) => ({
        installationId: row.installation_id,
        // Written by `putRepository` from this very type.
        repository: JSON.parse(row.repository) as RepositoryTarget['repository'],
      }));
    },

    async putRepository({ installationId, repository }) {
      const columns = { installation_id: installationId, repository: JSON.stringify(repository) };
      await db
        .insertInto('repositories')
        .values({ id: repository.id, ...columns })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(columns))
        .execute();
    },

    async forgetRepositories(installationId, repositoryIds) {
      if (repositoryIds !== 'all' && repositoryIds.length === 0) return;
      await db
        .deleteFrom('repositories')
        .where('installation_id', '=', installationId)
        .$if(repositoryIds !== 'all', (query) =>
          query.where('id', 'in', repositoryIds === 'all' ? [] : repositoryIds),
        )
        .execute();
    },

    async putOutOfReach({ id, repository }) {
      await db
        .insertInto('out_of_reach')
        .values({ job_id: id, repository_id: repository.id })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },

    async repositoriesOutOfReach() {
      const rows = await db.selectFrom('out_of_reach').select('repository_id').distinct().execute();
      return new Set(rows.map((row) => row.repository_id));
    },

    async takeOutOfReach(repositoryId) {
      const rows = await db
        .deleteFrom('out_of_reach')
        .where('repository_id', '=', repositoryId)
        .returning('job_id')
        .execute();
      // Written by `putOutOfReach`.
      return rows.map((row) => row.job_id as JobId);
    },

    async labelAliases(repositoryId) {
      const rows = await db
        .selectFrom('label_aliases')
        .select(['name', 'stands_for'])
        .where('repository_id', '=', repositoryId)
        .execute();
      return new Map(rows.map((row) => [row.name, row.stands_for]));
    },

    async putLabelAlias(repositoryId, name, standsFor) {
      await db
        .insertInto('label_aliases')
        .values({ repository_id: repositoryId, name, stands_for: standsFor })
        .onConflict((conflict) =>
          conflict.columns(['repository_id', 'name']).doUpdateSet({ stands_for: standsFor }),
        )
        .execute();
    },

    async dropLabelAlias(repositoryId, name) {
      await db
        .deleteFrom('label_aliases')
        .where('repository_id', '=', repositoryId)
        .where('name', '=', name)
        .execute();
    },
  };
}
