import type { Insertable, Selectable } from 'kysely';
import type { AttemptId, JobId, RunnerId } from '../contract/identifiers.ts';
import type { JobKind } from '../contract/job.ts';
import type { Job } from '../domain/job.ts';
import type { JobRow } from './schema.ts';

/** A job with what only dispatch needs to know. */
export type StoredJob = Job & {
  /** The newest attempt; `null` for a job that was refused. */
  attemptId: AttemptId | null;
  /** Who has it: from the offer on, until the attempt has ended. */
  runnerId: RunnerId | null;
  /** The newest attempt has its start commit and check run, so that the job can be offered. */
  ready: boolean;
  /** `offered`: accept by then; leased states: the lease; `cancelling`: when the cancel counts as confirmed. */
  deadlineAtMs: number | null;
  /** When the coordinator ends the run because it takes too long. */
  runUntilMs: number | null;
  /** Runners to pass over, and until when: those that `declined` altogether, those that `failed` if there is another. */
  avoid: { runnerId: RunnerId; untilMs: number; why: 'declined' | 'failed' }[];
  /** Which kind of reason it waits for, so that people are told again only when that changes. */
  waitCode: string | null;
};

/** What may change about a job, beside its state. */
export type JobChange = Partial<
  Pick<
    StoredJob,
    | 'stateReason'
    | 'waitCode'
    | 'branch'
    | 'outcome'
    | 'pullRequest'
    | 'revision'
    | 'attemptId'
    | 'attemptNumber'
    | 'runnerId'
    | 'ready'
    | 'priority'
    | 'prioritySource'
    | 'offers'
    | 'infrastructureRetries'
    | 'workRetries'
    | 'avoid'
    | 'runAtMs'
    | 'deadlineAtMs'
    | 'runUntilMs'
  >
>;

/** Left out = left alone. */
export function toColumns(change: JobChange) {
  return {
    state_reason: change.stateReason,
    wait_code: change.waitCode,
    branch: change.branch,
    outcome: change.outcome,
    pull_request: change.pullRequest === undefined ? undefined : toJsonOrNull(change.pullRequest),
    revision: change.revision === undefined ? undefined : toJsonOrNull(change.revision),
    attempt_id: change.attemptId,
    attempt_number: change.attemptNumber,
    runner_id: change.runnerId,
    ready: change.ready === undefined ? undefined : Number(change.ready),
    priority: change.priority,
    priority_source: change.prioritySource === undefined ? undefined : toJsonOrNull(change.prioritySource),
    offers: change.offers,
    infrastructure_retries: change.infrastructureRetries,
    work_retries: change.workRetries,
    avoid: change.avoid === undefined ? undefined : JSON.stringify(change.avoid),
    run_at: change.runAtMs,
    deadline_at: change.deadlineAtMs,
    run_until: change.runUntilMs,
  };
}

/** As it is stored. */
export function toRow(job: StoredJob): Insertable<JobRow> {
  return {
    id: job.id,
    kind: job.kind,
    state: job.state,
    state_reason: job.stateReason,
    wait_code: job.waitCode,
    installation_id: job.installationId,
    repository_id: job.repository.id,
    repository: JSON.stringify(job.repository),
    issue_number: job.issue.number,
    issue: JSON.stringify(job.issue),
    specialty: job.specialty,
    needs: JSON.stringify(job.needs),
    settings: JSON.stringify(job.settings),
    instructions: job.instructions,
    requested_by: job.requestedBy,
    requested_by_id: job.requestedById,
    label: job.label,
    priority: job.priority,
    priority_source: toJsonOrNull(job.prioritySource),
    branch: job.branch,
    outcome: job.outcome,
    pull_request: toJsonOrNull(job.pullRequest),
    revision: toJsonOrNull(job.revision),
    attempt_id: job.attemptId,
    attempt_number: job.attemptNumber,
    runner_id: job.runnerId,
    ready: Number(job.ready),
    offers: job.offers,
    infrastructure_retries: job.infrastructureRetries,
    work_retries: job.workRetries,
    avoid: JSON.stringify(job.avoid),
    previous_job_id: job.previousJobId,
    created_at: job.createdAtMs,
    updated_at: job.updatedAtMs,
    run_at: job.runAtMs,
    deadline_at: job.deadlineAtMs,
    run_until: job.runUntilMs,
    explained_at: 0,
    finished_at: job.finishedAtMs,
  };
}

/** As it was stored. Ids and JSON were written by `toRow` from values of these very types. */
export function toJob(row: Selectable<JobRow>): StoredJob {
  return {
    id: row.id as JobId,
    kind: row.kind as JobKind,
    state: row.state,
    stateReason: row.state_reason,
    waitCode: row.wait_code,
    installationId: row.installation_id,
    repository: JSON.parse(row.repository) as StoredJob['repository'],
    issue: JSON.parse(row.issue) as StoredJob['issue'],
    specialty: row.specialty,
    needs: JSON.parse(row.needs) as string[],
    settings: JSON.parse(row.settings) as StoredJob['settings'],
    instructions: row.instructions,
    requestedBy: row.requested_by,
    requestedById: row.requested_by_id,
    label: row.label,
    priority: row.priority,
    prioritySource:
      row.priority_source === null ? null : (JSON.parse(row.priority_source) as StoredJob['prioritySource']),
    branch: row.branch,
    outcome: row.outcome,
    pullRequest:
      row.pull_request === null ? null : (JSON.parse(row.pull_request) as StoredJob['pullRequest']),
    revision: row.revision === null ? null : (JSON.parse(row.revision) as StoredJob['revision']),
    attemptId: row.attempt_id as AttemptId | null,
    attemptNumber: row.attempt_number,
    runnerId: row.runner_id as RunnerId | null,
    ready: row.ready === 1,
    offers: row.offers,
    infrastructureRetries: row.infrastructure_retries,
    workRetries: row.work_retries,
    avoid: JSON.parse(row.avoid) as StoredJob['avoid'],
    previousJobId: row.previous_job_id as JobId | null,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    runAtMs: row.run_at,
    deadlineAtMs: row.deadline_at,
    runUntilMs: row.run_until,
    finishedAtMs: row.finished_at,
  };
}

function toJsonOrNull(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
