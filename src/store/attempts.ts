import type { Kysely, Selectable } from 'kysely';
import type { AttemptId, JobId, RunnerId } from '../contract/identifiers.ts';
import type { Attempt } from '../domain/job.ts';
import type { AttemptRow, Schema } from './schema.ts';

/** An attempt with what only dispatch needs to know. */
export type StoredAttempt = Attempt & {
  /** The branch that its start commit is on; a later attempt of the job may have had to take another name. */
  branch: string | null;
  /** What its runner was about to push when it asked for the publish token; it may be on the branch although nobody reported it. */
  announcedCommit: string | null;
  /** The epoch of the newest offer that its runner has heard of; 0 = of none. */
  toldEpoch: number;
  /** Hash of the lease token; `null` before it is accepted and after it has ended. */
  leaseTokenHash: string | null;
  /** How many bytes of log the runner has handed over. */
  logOffset: number;
};

export type AttemptChange = Partial<
  Pick<
    StoredAttempt,
    | 'epoch'
    | 'toldEpoch'
    | 'base'
    | 'baseHead'
    | 'branch'
    | 'startCommit'
    | 'announcedCommit'
    | 'checkRun'
    | 'runner'
    | 'leaseTokenHash'
    | 'budget'
    | 'phase'
    | 'progress'
    | 'evidence'
    | 'result'
    | 'outcome'
    | 'logOffset'
    | 'acceptedAtMs'
    | 'finishedAtMs'
  >
>;

/** Attempts. Every call is one statement; who may change an attempt is settled by locking its job first. */
export type AttemptQueries = {
  insert(attempt: StoredAttempt): Promise<void>;
  get(id: AttemptId): Promise<StoredAttempt | null>;
  /** Oldest first. */
  ofJob(jobId: JobId): Promise<StoredAttempt[]>;
  /** The newest whose check run is on this commit: only those of revisions share their start commit with others. */
  ofStartCommit(commit: string): Promise<StoredAttempt | null>;
  /** Those with a check run that ended in this time, a thousand at the most, the newest of them. */
  ended(sinceMs: number, beforeMs: number): Promise<StoredAttempt[]>;
  change(id: AttemptId, change: AttemptChange): Promise<void>;
  /** How long the newest attempts of a specialty took that came to an end, in milliseconds. */
  recentDurations(specialty: string, limit: number): Promise<number[]>;
  /** Runners that have worked on this repository lately and so keep a mirror of it. */
  warmRunners(repositoryId: number): Promise<Set<RunnerId>>;
};

/** How many jobs back a runner counts as having the mirror. */
const WARM_ATTEMPTS = 50;

export function createAttemptQueries(db: Kysely<Schema>): AttemptQueries {
  return {
    async insert(attempt) {
      await db
        .insertInto('attempts')
        .values({
          id: attempt.id,
          job_id: attempt.jobId,
          number: attempt.number,
          epoch: attempt.epoch,
          told_epoch: attempt.toldEpoch,
          base_branch: attempt.base?.branch ?? null,
          base_commit: attempt.base?.commit ?? null,
          base_head: attempt.baseHead,
          branch: attempt.branch,
          start_commit: attempt.startCommit,
          announced_commit: attempt.announcedCommit,
          check_run_id: attempt.checkRun?.id ?? null,
          check_run_url: attempt.checkRun?.url ?? null,
          runner_id: attempt.runner?.id ?? null,
          runner_name: attempt.runner?.name ?? null,
          lease_token_hash: attempt.leaseTokenHash,
          budget: attempt.budget === null ? null : JSON.stringify(attempt.budget),
          phase: attempt.phase,
          progress: attempt.progress === null ? null : JSON.stringify(attempt.progress),
          evidence: attempt.evidence === null ? null : JSON.stringify(attempt.evidence),
          result: attempt.result === null ? null : JSON.stringify(attempt.result),
          outcome: attempt.outcome,
          log_offset: attempt.logOffset,
          ...toUsageColumns(attempt.result),
          created_at: attempt.createdAtMs,
          accepted_at: attempt.acceptedAtMs,
          finished_at: attempt.finishedAtMs,
        })
        .execute();
    },

    async get(id) {
      const row = await db.selectFrom('attempts').selectAll().where('id', '=', id).executeTakeFirst();
      return row ? toAttempt(row) : null;
    },

    async ofJob(jobId) {
      const rows = await db
        .selectFrom('attempts')
        .selectAll()
        .where('job_id', '=', jobId)
        .orderBy('number')
        .execute();
      return rows.map(toAttempt);
    },

    async ofStartCommit(commit) {
      const row = await db
        .selectFrom('attempts')
        .selectAll()
        .where('start_commit', '=', commit)
        .orderBy('id', 'desc')
        .executeTakeFirst();
      return row ? toAttempt(row) : null;
    },

    async ended(sinceMs, beforeMs) {
      const rows = await db
        .selectFrom('attempts')
        .selectAll()
        .where('finished_at', '>=', sinceMs)
        .where('finished_at', '<', beforeMs)
        .where('check_run_id', 'is not', null)
        .orderBy('finished_at', 'desc')
        .limit(1000)
        .execute();
      return rows.map(toAttempt);
    },

    async change(id, change) {
      if (Object.keys(change).length === 0) return;
      await db.updateTable('attempts').set(toColumns(change)).where('id', '=', id).execute();
    },

    async recentDurations(specialty, limit) {
      const rows = await db
        .selectFrom('jobs')
        .innerJoin('attempts', 'attempts.job_id', 'jobs.id')
        .select(['attempts.accepted_at', 'attempts.finished_at'])
        .where('jobs.specialty', '=', specialty)
        .where('jobs.state', 'in', ['succeeded', 'failed', 'timed_out'])
        .where('attempts.accepted_at', 'is not', null)
        .where('attempts.finished_at', 'is not', null)
        .orderBy('jobs.id', 'desc')
        .limit(limit)
        .execute();
      return rows.map((row) => (row.finished_at ?? 0) - (row.accepted_at ?? 0));
    },

    async warmRunners(repositoryId) {
      const rows = await db
        .selectFrom('jobs')
        .innerJoin('attempts', 'attempts.job_id', 'jobs.id')
        .select('attempts.runner_id')
        .where('jobs.repository_id', '=', repositoryId)
        .where('attempts.accepted_at', 'is not', null)
        .orderBy('jobs.id', 'desc')
        .limit(WARM_ATTEMPTS)
        .execute();
      return new Set(rows.flatMap((row) => (row.runner_id === null ? [] : [row.runner_id as RunnerId])));
    },
  };
}

/** Left out = left alone; `null` = emptied. */
function toColumns(change: AttemptChange) {
  const { base, checkRun, runner, budget, progress, evidence, result } = change;
  return {
    epoch: change.epoch,
    told_epoch: change.toldEpoch,
    ...(base === undefined ? {} : { base_branch: base?.branch ?? null, base_commit: base?.commit ?? null }),
    base_head: change.baseHead,
    branch: change.branch,
    start_commit: change.startCommit,
    announced_commit: change.announcedCommit,
    ...(checkRun === undefined
      ? {}
      : { check_run_id: checkRun?.id ?? null, check_run_url: checkRun?.url ?? null }),
    ...(runner === undefined ? {} : { runner_id: runner?.id ?? null, runner_name: runner?.name ?? null }),
    lease_token_hash: change.leaseTokenHash,
    ...(budget === undefined ? {} : { budget: budget === null ? null : JSON.stringify(budget) }),
    phase: change.phase,
    ...(progress === undefined ? {} : { progress: progress === null ? null : JSON.stringify(progress) }),
    ...(evidence === undefined ? {} : { evidence: evidence === null ? null : JSON.stringify(evidence) }),
    ...(result === undefined
      ? {}
      : { result: result === null ? null : JSON.stringify(result), ...toUsageColumns(result) }),
    outcome: change.outcome,
    log_offset: change.logOffset,
    accepted_at: change.acceptedAtMs,
    finished_at: change.finishedAtMs,
  };
}

/** What is added up. */
function toUsageColumns(result: Attempt['result']) {
  return {
    cost_micro_usd: toMicroUsd(result),
    input_tokens: result?.usage.inputTokens ?? null,
    output_tokens: result?.usage.outputTokens ?? null,
  };
}

/** Whole numbers add up without error. */
function toMicroUsd(result: Attempt['result']): number | null {
  const costUsd = result?.usage.costUsd ?? null;
  return costUsd === null ? null : Math.round(costUsd * 1e6);
}

/** Ids and JSON were written by `insert` and `toColumns` from values of these very types. */
function toAttempt(row: Selectable<AttemptRow>): StoredAttempt {
  return {
    id: row.id as AttemptId,
    jobId: row.job_id as JobId,
    number: row.number,
    epoch: row.epoch,
    toldEpoch: row.told_epoch,
    base:
      row.base_branch === null || row.base_commit === null
        ? null
        : { branch: row.base_branch, commit: row.base_commit },
    baseHead: row.base_head,
    branch: row.branch,
    startCommit: row.start_commit,
    announcedCommit: row.announced_commit,
    checkRun:
      row.check_run_id === null || row.check_run_url === null
        ? null
        : { id: row.check_run_id, url: row.check_run_url },
    runner:
      row.runner_id === null || row.runner_name === null
        ? null
        : { id: row.runner_id as RunnerId, name: row.runner_name },
    leaseTokenHash: row.lease_token_hash,
    budget: row.budget === null ? null : (JSON.parse(row.budget) as NonNullable<Attempt['budget']>),
    phase: row.phase,
    progress: row.progress === null ? null : (JSON.parse(row.progress) as NonNullable<Attempt['progress']>),
    evidence: row.evidence === null ? null : (JSON.parse(row.evidence) as NonNullable<Attempt['evidence']>),
    result: row.result === null ? null : (JSON.parse(row.result) as NonNullable<Attempt['result']>),
    outcome: row.outcome,
    logOffset: row.log_offset,
    createdAtMs: row.created_at,
    acceptedAtMs: row.accepted_at,
    finishedAtMs: row.finished_at,
  };
}
