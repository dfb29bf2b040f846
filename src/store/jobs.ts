import type { Kysely } from 'kysely';
import type { JobId } from '../contract/identifiers.ts';
import type { JobState } from '../contract/job.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import { canMove, isTerminal, LIVE_STATES, SLOT_STATES } from '../domain/job-lifecycle.ts';
import type { Engine } from './engine.ts';
import { createJobListQueries, type JobListQueries } from './job-lists.ts';
import { createJobQueueQueries, type JobQueueQueries } from './job-queue.ts';
import type { Schema } from './schema.ts';
import { type JobChange, type StoredJob, toColumns, toJob, toRow } from './stored-job.ts';

/** Jobs. Every call is one statement, so atomic by itself; reads see the transaction that they are made in. */
export type JobQueries = JobListQueries &
  JobQueueQueries & {
    /** False, and nothing stored, if a live job of the same repository, issue and specialty exists. */
    insert(job: StoredJob): Promise<boolean>;
    /** As it was before the store was lost, in whatever state; only for `yardmaster recover`. False, and nothing stored, as above, or if it is there. */
    restore(job: StoredJob): Promise<boolean>;
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
    /** The repository has another name, owner or default branch; of all its jobs, since their comments are edited still. */
    changeRepository(target: RepositoryTarget): Promise<void>;
    /** Live jobs that were asked for by this label bear its new name. */
    renameLabel(repositoryId: number, from: string, to: string): Promise<void>;
  };

export function createJobQueries(db: Kysely<Schema>, engine: Engine): JobQueries {
  const selectJobs = () => db.selectFrom('jobs').selectAll();

  async function insert(job: StoredJob): Promise<boolean> {
    const rows = await db
      .insertInto('jobs')
      .values(toRow(job))
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .execute();
    return rows.length > 0;
  }

  return {
    ...createJobListQueries(db),
    ...createJobQueueQueries(db, engine),

    async insert(job) {
      if (!canMove(null, job.state)) throw new Error(`A job can't begin as ${job.state}`);
      return insert(job);
    },

    restore: insert,

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
  };
}
