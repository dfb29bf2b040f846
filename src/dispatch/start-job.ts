import type { AttemptId } from '../contract/identifiers.ts';
import type { IssueSnapshot } from '../contract/issue-snapshot.ts';
import { type AllJobSettings, type JobRevision, LIMIT_NOTICE, SETTINGS_NOTICE } from '../domain/job.ts';
import type { Blocker } from '../domain/blockers.ts';
import { explainLabelPriority, type LabelPriority } from '../domain/priority-labels.ts';
import type { Actor, RepositoryTarget } from '../domain/trigger.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { holdFollowers, holdWhileItWaits } from './waiting-jobs.ts';
import { newAttempt } from './new-attempt.ts';
import { newJob } from './new-job.ts';
import { wantStatusComment } from './want-report.ts';

/** What a job is to be, whoever asked for it and how. */
export type JobWish = {
  target: RepositoryTarget;
  sender: Actor;
  issue: IssueSnapshot;
  specialty: string;
  needs: string[];
  settings: AllJobSettings;
  instructions: string | null;
  /** Of an open pull request, whose branch it is. */
  revision?: { facts: JobRevision; branch: string } | undefined;
  /** The label that stands for the job. */
  label: string | null;
  /** The label of the issue that says how urgent it is. */
  labelPriority: LabelPriority | null;
  /** Open issues that block this one. */
  blockers: readonly Blocker[];
  /** Specialties that the labels of the issue stand for. */
  labelled: readonly string[];
  /** Who asked, in a line. */
  reason: string;
};

/**
 * Puts a new job in the queue, and its start commit, check run and status comment in line; or on hold, while something has to come before
 * it. `null` if one of that specialty is live.
 */
export async function startJob(
  tx: StoreTx,
  wish: JobWish,
  deps: { newId: () => string },
): Promise<StoredJob | null> {
  const attemptId = deps.newId() as AttemptId;
  const job = await newJob(tx, deps, { ...wish, state: 'queued', stateReason: null, attemptId });
  if (!(await tx.jobs.insert(job))) return null;

  await tx.sweeps.putRepository(wish.target);
  await tx.attempts.insert(newAttempt({ id: attemptId, jobId: job.id, number: 1, nowMs: tx.nowMs }));
  await tx.tell(job.id, 'queued', wish.reason);
  if (wish.labelPriority !== null)
    await tx.tell(job.id, 'priority', explainLabelPriority(wish.labelPriority));
  if (!(await holdWhileItWaits(tx, job, wish)))
    await tx.want({ effect: { kind: 'attempt-start', attemptId }, installationId: job.installationId });
  await holdFollowers(tx, job);
  if (job.settings.assignIssue === true)
    await tx.want({
      effect: { kind: 'assign-issue', jobId: job.id },
      installationId: job.installationId,
    });
  await wantStatusComment(tx, job);
  return job;
}

/** Tells of mistakes in the settings, once, with the first job that met them; and of daily limits that are nearly used up. */
export async function tellNotices(
  tx: StoreTx,
  job: StoredJob,
  notices: { settings: { text: string; key: string } | null; limits: readonly string[] },
): Promise<void> {
  const { settings, limits } = notices;
  if (settings && (await tx.memory.rememberTrigger(settings.key, 'told', tx.nowMs)))
    await tx.tell(job.id, SETTINGS_NOTICE, settings.text);
  for (const text of limits) await tx.tell(job.id, LIMIT_NOTICE, text);
}
