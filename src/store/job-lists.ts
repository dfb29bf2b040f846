import { type Kysely, sql } from 'kysely';
import type { JobId } from '../contract/identifiers.ts';
import type { JobState } from '../contract/job.ts';
import { LIVE_STATES } from '../domain/job-lifecycle.ts';
import type { Schema } from './schema.ts';
import { type StoredJob, toJob } from './stored-job.ts';

/** Jobs by what they are about. Every call is one statement. */
export type JobListQueries = {
  /** Jobs of an issue, newest first. */
  ofIssue(repositoryId: number, issueNumber: number, limit: number): Promise<StoredJob[]>;
  liveOfIssue(repositoryId: number, issueNumber: number): Promise<StoredJob[]>;
  /** The newest job that led to this pull request; `null`: it is none of ours. */
  ofPullRequest(repositoryId: number, pullRequestNumber: number): Promise<StoredJob | null>;
  /** Of each pull request of the repository that is open, as far as we heard, the newest job whose work is in it. */
  withOpenPullRequest(repositoryId: number): Promise<StoredJob[]>;
  /** The newest whose work is on this branch. */
  ofBranch(repositoryId: number, branch: string): Promise<StoredJob | null>;
  liveOfInstallation(installationId: number, repositoryIds: readonly number[] | 'all'): Promise<StoredJob[]>;
  liveOfRepository(repositoryId: number): Promise<StoredJob[]>;
  /** Of all installations, oldest first, from behind `after` on. */
  live(wanted: { after: JobId | null; limit: number }): Promise<StoredJob[]>;
  /** Jobs on hold for this reason, in `waitCode`. */
  heldFor(waitCode: string, installationId: number): Promise<StoredJob[]>;
  /** Newest first. */
  list(wanted: { states: readonly JobState[]; limit: number }): Promise<StoredJob[]>;
  countByState(): Promise<Partial<Record<JobState, number>>>;
};

/** Of one repository, the newest: older ones have hardly an open pull request. */
const MAX_PULL_REQUEST_JOBS = 300;

export function createJobListQueries(db: Kysely<Schema>): JobListQueries {
  const selectJobs = () => db.selectFrom('jobs').selectAll();

  return {
    async ofIssue(repositoryId, issueNumber, limit) {
      const rows = await selectJobs()
        .where('repository_id', '=', repositoryId)
        .where('issue_number', '=', issueNumber)
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(toJob);
    },

    async liveOfIssue(repositoryId, issueNumber) {
      const rows = await selectJobs()
        .where('repository_id', '=', repositoryId)
        .where('issue_number', '=', issueNumber)
        .where('state', 'in', LIVE_STATES)
        .orderBy('id')
        .execute();
      return rows.map(toJob);
    },

    async ofPullRequest(repositoryId, pullRequestNumber) {
      const row = await selectJobs()
        .where('repository_id', '=', repositoryId)
        // As `toRow` and `toColumns` write it, the number first.
        .where('pull_request', 'like', `{"number":${pullRequestNumber},%`)
        .orderBy('id', 'desc')
        .executeTakeFirst();
      return row ? toJob(row) : null;
    },

    async withOpenPullRequest(repositoryId) {
      const rows = await selectJobs()
        .where('repository_id', '=', repositoryId)
        .where('pull_request', 'is not', null)
        .orderBy('id', 'desc')
        .limit(MAX_PULL_REQUEST_JOBS)
        .execute();
      const jobs = rows.map(toJob);
      const newest = jobs.filter(
        (job, at) => jobs.findIndex((other) => other.pullRequest?.number === job.pullRequest?.number) === at,
      );
      return newest.filter(({ pullRequest }) => pullRequest !== null && pullRequest.ended === undefined);
    },

    async ofBranch(repositoryId, branch) {
      const row = await selectJobs()
        .where('repository_id', '=', repositoryId)
        .where('branch', '=', branch)
        .orderBy('id', 'desc')
        .executeTakeFirst();
      return row ? toJob(row) : null;
    },

    async liveOfInstallation(installationId, repositoryIds) {
      if (repositoryIds !== 'all' && repositoryIds.length === 0) return [];
      const rows = await selectJobs()
        .where('state', 'in', LIVE_STATES)
        .where('installation_id', '=', installationId)
        .$if(repositoryIds !== 'all', (query) =>
          query.where('repository_id', 'in', repositoryIds === 'all' ? [] : repositoryIds),
        )
        .orderBy('id')
        .execute();
      return rows.map(toJob);
    },

    async liveOfRepository(repositoryId) {
      const rows = await selectJobs()
        .where('state', 'in', LIVE_STATES)
        .where('repository_id', '=', repositoryId)
        .orderBy('id')
        .execute();
      return rows.map(toJob);
    },

    async live({ after, limit }) {
      const rows = await selectJobs()
        .where('state', 'in', LIVE_STATES)
        .$if(after !== null, (query) => query.where('id', '>', after ?? ''))
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toJob);
    },

    async heldFor(waitCode, installationId) {
      const rows = await selectJobs()
        .where('state', '=', sql.lit('held' as const))
        .where('wait_code', '=', waitCode)
        .where('installation_id', '=', installationId)
        .orderBy('id')
        .execute();
      return rows.map(toJob);
    },

    async list(wanted) {
      const rows = await selectJobs()
        .$if(wanted.states.length > 0, (query) => query.where('state', 'in', wanted.states))
        .orderBy('id', 'desc')
        .limit(wanted.limit)
        .execute();
      return rows.map(toJob);
    },

    async countByState() {
      const rows = await db
        .selectFrom('jobs')
        .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
        .groupBy('state')
        .execute();
      return Object.fromEntries(rows.map((row) => [row.state, row.count]));
    },
  };
}
