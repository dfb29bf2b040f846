import { type Kysely, sql } from 'kysely';
import type { JobId, RunnerId } from '../contract/identifiers.ts';
import type { JobState } from '../contract/job.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import { canMove, isTerminal, LIVE_STATES, SLOT_STATES } from '../domain/job-lifecycle.ts';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';
import { type JobChange, type StoredJob, toColumns, toJob, toRow } from './stored-job.ts';

/** Jobs. Every call is one statement, so atomic by itself; reads see the transaction that they are made in. */
export type JobQueries = {
  /** False, and nothing stored, if a live job of the same repository, issue and specialty exists. */
  insert(job: StoredJob): Promise<boolean>;
  /** As it was before the store was lost, in whatever state; only for `yardmaster recover`. Nothing happens if it is there. */
  restore(job: StoredJob): Promise<void>;
  get(id: JobId): Promise<StoredJob | null>;
  /** As `get`, and nobody else changes the job before the transaction ends. */
  lock(id: JobId): Promise<StoredJob | null>;
  /**
   * The only way to change a state: compare-and-set on the state and attempt that `job` was read with. False, and nothing changed, if
   * somebody was first. Clears runner, deadline and longest run when the new state has no slot, and sets the end when it is terminal.
   * Throws when the lifecycle has no such move.
   */
  move(job: StoredJob, to: JobState, change: JobChange, nowMs: number): Promise<boolean>;
  /** Changes facts, not the state. Repeating it changes nothing more. */
  change(id: JobId, change: JobChange, nowMs: number): Promise<void>;

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
  /** Of each specialty, those that are among its next `places`, with their places, the most urgent first. */
  nextInQueue(places: number): Promise<StoredJob[]>;
  /** The repository has another name, owner or default branch; of all its jobs, since their comments are edited still. */
  changeRepository(target: RepositoryTarget): Promise<void>;
  /** Live jobs that were asked for by this label bear its new name. */
  renameLabel(repositoryId: number, from: string, to: string): Promise<void>;
  /** Jobs on hold for this reason, in `waitCode`. */
  heldFor(waitCode: string, installationId: number): Promise<StoredJob[]>;
  /** Jobs of the repository that take a slot of any runner, by specialty. */
  atWork(repositoryId: number): Promise<Map<string, number>>;
  /** Jobs that take a slot of this runner. */
  heldBy(runnerId: RunnerId): Promise<StoredJob[]>;
  /** Jobs that could be offered now, the most urgent first; `after` is the last job of the page before. */
  offerable(wanted: {
    specialties: readonly string[];
    nowMs: number;
    after: StoredJob | null;
    limit: number;
  }): Promise<StoredJob[]>;
  /** Waiting jobs, those that were looked at the longest ago first, and marks them as looked at. */
  takeUnexplained(beforeMs: number, nowMs: number, limit: number): Promise<StoredJob[]>;
  /** Jobs whose deadline or longest run is over, in no order. */
  overdue(nowMs: number, limit: number): Promise<StoredJob[]>;
  /** Pushes every lease that ends sooner to `untilMs`. Returns how many. */
  extendLeases(untilMs: number): Promise<number>;
  /** 1 = next; `null` when the job isn't waiting. */
  queuePosition(job: Pick<StoredJob, 'id' | 'state' | 'specialty' | 'priority'>): Promise<number | null>;
  /** Newest first. */
  list(wanted: { states: readonly JobState[]; limit: number }): Promise<StoredJob[]>;
  countByState(): Promise<Partial<Record<JobState, number>>>;
};

/** Of one repository, the newest: older ones have hardly an open pull request. */
const MAX_PULL_REQUEST_JOBS = 300;

export function createJobQueries(db: Kysely<Schema>, engine: Engine): JobQueries {
  const selectJobs = () => db.selectFrom('jobs').selectAll();

  return {
    async insert(job) {
      if (!canMove(null, job.state)) throw new Error(`A job can't begin as ${job.state}`);
      const rows = await db
        .insertInto('jobs')
        .values(toRow(job))
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .execute();
      return rows.length > 0;
    },

    async restore(job) {
      await db
        .insertInto('jobs')
        .values(toRow(job))
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },

    async get(id) {
      const row = await selectJobs().where('id', '=', id).executeTakeFirst();
      return row ? toJob(row) : null;
    },

    async lock(id) {
      const row = await selectJobs()
        .where('id', '=', id)
        .$if(engine.rowLocks, (query) => query.forUpdate())
        .executeTakeFirst();
      return row ? toJob(row) : null;
    },

    async move(job, to, change, nowMs) {
      if (!canMove(job.state, to)) throw new Error(`A job can't go from ${job.state} to ${to}`);
      const holdsSlot = (SLOT_STATES as readonly JobState[]).includes(to);
      const released = { runner_id: null, deadline_at: null, run_until: null };
      const rows = await db
        .updateTable('jobs')
        .set({
          ...toColumns(change),
          ...(holdsSlot ? {} : released),
          state: to,
          wait_code: to === 'queued' || to === 'held' ? (change.waitCode ?? null) : null,
          explained_at: to === 'queued' ? 0 : nowMs,
          updated_at: nowMs,
          finished_at: isTerminal(to) ? nowMs : null,
        })
        .where('id', '=', job.id)
        .where('state', '=', job.state)
        .where('attempt_number', '=', job.attemptNumber)
        // A sweep may have taken its check run away since it was read.
        .$if(to === 'offered', (query) => query.where('ready', '=', 1))
        .returning('id')
        .execute();
      return rows.length > 0;
    },

    async change(id, change, nowMs) {
      await db
        .updateTable('jobs')
        .set({ ...toColumns(change), updated_at: nowMs })
        .where('id', '=', id)
        .execute();
    },

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

    async nextInQueue(places) {
      const rows = await db
        .with('waiting', (with_) =>
          with_
            .selectFrom('jobs')
            .selectAll()
            .select(
              sql<number>`row_number() over (partition by specialty order by priority desc, id)`.as('place'),
            )
            .where('state', '=', sql.lit('queued' as const)),
        )
        .selectFrom('waiting')
        .selectAll()
        .where('place', '<=', places)
        .orderBy('place')
        .orderBy('id')
        .execute();
      return rows.map(toJob);
    },

    async changeRepository({ installationId, repository }) {
      await db
        .updateTable('jobs')
        .set({ repository: JSON.stringify(repository), installation_id: installationId })
        .where('repository_id', '=', repository.id)
        .execute();
    },

    async renameLabel(repositoryId, from, to) {
      await db
        .updateTable('jobs')
        .set({ label: to })
        .where('repository_id', '=', repositoryId)
        .where('state', 'in', LIVE_STATES)
        .where((eb) => eb(eb.fn('lower', ['label']), '=', from.toLowerCase()))
        .execute();
    },

    async atWork(repositoryId) {
      const rows = await db
        .selectFrom('jobs')
        .select((eb) => ['specialty', eb.fn.countAll<number>().as('count')])
        .where('state', 'in', SLOT_STATES)
        .where('repository_id', '=', repositoryId)
        .groupBy('specialty')
        .execute();
      return new Map(rows.map((row) => [row.specialty, row.count]));
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

    async heldBy(runnerId) {
      const rows = await selectJobs()
        .where('runner_id', '=', runnerId)
        .where('state', 'in', SLOT_STATES)
        .orderBy('id')
        .execute();
      return rows.map(toJob);
    },

    async offerable(wanted) {
      if (wanted.specialties.length === 0) return [];
      const { after } = wanted;
      const rows = await selectJobs()
        .where('state', '=', sql.lit('queued'))
        .where('ready', '=', 1)
        .where('run_at', '<=', wanted.nowMs)
        .where('specialty', 'in', wanted.specialties)
        .$if(after !== null, (query) =>
          query.where((eb) =>
            eb.or([
              eb('priority', '<', after?.priority ?? 0),
              eb.and([eb('priority', '=', after?.priority ?? 0), eb('id', '>', after?.id ?? '')]),
            ]),
          ),
        )
        .orderBy('priority', 'desc')
        .orderBy('id')
        .limit(wanted.limit)
        .execute();
      return rows.map(toJob);
    },

    async takeUnexplained(beforeMs, nowMs, limit) {
      const rows = await selectJobs()
        .where('state', '=', sql.lit('queued'))
        .where('ready', '=', 1)
        .where('run_at', '<=', nowMs)
        .where('explained_at', '<', beforeMs)
        .orderBy('explained_at')
        .limit(limit)
        .$if(engine.rowLocks, (query) => query.forUpdate().skipLocked())
        .execute();
      if (rows.length === 0) return [];
      await db
        .updateTable('jobs')
        .set({ explained_at: nowMs })
        .where(
          'id',
          'in',
          rows.map((row) => row.id),
        )
        .execute();
      return rows.map(toJob);
    },

    async overdue(nowMs, limit) {
      const rows = await selectJobs()
        .where((eb) => eb.or([eb('deadline_at', '<=', nowMs), eb('run_until', '<=', nowMs)]))
        .limit(limit)
        .execute();
      return rows.map(toJob);
    },

    async extendLeases(untilMs) {
      const rows = await db
        .updateTable('jobs')
        .set((eb) => ({
          deadline_at: untilMs,
          // One that ran into its longest run meanwhile could not report its end either.
          run_until: eb.case().when('run_until', '<', untilMs).then(untilMs).else(eb.ref('run_until')).end(),
        }))
        .where('state', 'in', ['preparing', 'running', 'finishing'])
        .where('deadline_at', '<', untilMs)
        .returning('id')
        .execute();
      return rows.length;
    },

    async queuePosition(job) {
      if (job.state !== 'queued') return null;
      const row = await db
        .selectFrom('jobs')
        .select((eb) => eb.fn.countAll<number>().as('ahead'))
        .where('state', '=', sql.lit('queued'))
        .where('specialty', '=', job.specialty)
        .where((eb) =>
          eb.or([
            eb('priority', '>', job.priority),
            eb.and([eb('priority', '=', job.priority), eb('id', '<', job.id)]),
          ]),
        )
        .executeTakeFirstOrThrow();
      return row.ahead + 1;
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
