import { type Kysely, sql } from 'kysely';
import type { RunnerId } from '../contract/identifiers.ts';
import { SLOT_STATES } from '../domain/job-lifecycle.ts';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';
import { type StoredJob, toJob } from './stored-job.ts';

/** What waits for a runner, what a runner has, and what is overdue. Every call is one statement, unless it says otherwise. */
export type JobQueueQueries = {
  /** Jobs that could be offered now, the most urgent first; `after` is the last job of the page before. */
  offerable(wanted: {
    specialties: readonly string[];
    nowMs: number;
    after: StoredJob | null;
    limit: number;
  }): Promise<StoredJob[]>;
  /** Waiting jobs, those that were looked at the longest ago first, and marks them as looked at. */
  takeUnexplained(beforeMs: number, nowMs: number, limit: number): Promise<StoredJob[]>;
  /** Of each specialty, those that are among its next `places`, with their places, the most urgent first. */
  nextInQueue(places: number): Promise<StoredJob[]>;
  /** 1 = next; `null` when the job isn't waiting. */
  queuePosition(job: Pick<StoredJob, 'id' | 'state' | 'specialty' | 'priority'>): Promise<number | null>;
  /** Jobs of the repository that take a slot of any runner, by specialty. */
  atWork(repositoryId: number): Promise<Map<string, number>>;
  /** Jobs that take a slot of this runner. */
  heldBy(runnerId: RunnerId): Promise<StoredJob[]>;
  /** Jobs whose deadline or longest run is over, in no order. */
  overdue(nowMs: number, limit: number): Promise<StoredJob[]>;
  /** Pushes every lease that ends sooner to `untilMs`. Returns how many. */
  extendLeases(untilMs: number): Promise<number>;
  /** The same for offers that nobody has answered yet. */
  extendOffers(untilMs: number): Promise<void>;
};

export function createJobQueueQueries(db: Kysely<Schema>, engine: Pick<Engine, 'rowLocks'>): JobQueueQueries {
  const selectJobs = () => db.selectFrom('jobs').selectAll();

  return {
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

    async heldBy(runnerId) {
      const rows = await selectJobs()
        .where('runner_id', '=', runnerId)
        .where('state', 'in', SLOT_STATES)
        .orderBy('id')
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

    async extendOffers(untilMs) {
      await db
        .updateTable('jobs')
        .set({ deadline_at: untilMs })
        .where('state', '=', 'offered')
        .where('deadline_at', '<', untilMs)
        .execute();
    },
  };
}
