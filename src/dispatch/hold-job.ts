import { isTerminal } from '../domain/job-lifecycle.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { releaseAttempt } from './withdraw-offer.ts';
import { wantStatusComment } from './want-report.ts';

/** `under_way`: a runner has accepted it; only a cancel stops it now. `same`: it was so already. */
export type HoldResult = 'held' | 'queued' | 'same' | 'under_way' | 'ended';

/**
 * Keeps a job that is locked from being offered until somebody lets it go on; an offer that is out is withdrawn and counts for nothing. It
 * keeps its place in the queue, its start commit and its check run. `reason` says who asked, for people; `waitCode`: what it waits for of
 * itself, if nobody did.
 */
export async function holdJob(
  tx: StoreTx,
  job: StoredJob,
  reason: string,
  waitCode: string | null = null,
): Promise<HoldResult> {
  if (job.state === 'held') {
    if (job.waitCode === waitCode) return 'same';
    // It waited for something of itself; when a person holds it, only a person lets it go on.
    await tx.jobs.change(job.id, { stateReason: reason, waitCode }, tx.nowMs);
    await tx.tell(job.id, 'held', reason);
    await wantStatusComment(tx, job);
    return 'held';
  }
  if (job.state !== 'queued' && job.state !== 'offered') return isTerminal(job.state) ? 'ended' : 'under_way';
  const attempt = job.attemptId === null ? null : await tx.attempts.get(job.attemptId);
  const moved = await tx.jobs.move(job, 'held', { stateReason: reason, waitCode }, tx.nowMs);
  if (!moved) return 'under_way';
  if (job.state === 'offered' && attempt) await releaseAttempt(tx, job, attempt);
  if (job.runnerId !== null) tx.wake(`runner:${job.runnerId}`);
  await tx.tell(job.id, 'held', reason);
  await wantStatusComment(tx, job);
  return 'held';
}

/** Lets a held job, which is locked, take its place in the queue again. */
export async function unholdJob(tx: StoreTx, job: StoredJob, reason: string): Promise<HoldResult> {
  if (job.state !== 'held') return isTerminal(job.state) ? 'ended' : 'same';
  const moved = await tx.jobs.move(job, 'queued', { stateReason: null }, tx.nowMs);
  if (!moved) return 'same';
  // What waited from the beginning has neither branch nor check run yet.
  if (!job.ready && job.attemptId !== null)
    await tx.want({
      effect: { kind: 'attempt-start', attemptId: job.attemptId },
      installationId: job.installationId,
    });
  await tx.tell(job.id, 'unheld', reason);
  await wantStatusComment(tx, job);
  tx.wake('queue');
  return 'queued';
}

/** True if the job, which is locked, now has this priority; false if it has ended. Higher goes first. A person wants it: labels change nothing from now on. */
export async function setPriority(
  tx: StoreTx,
  job: StoredJob,
  priority: number,
  reason: string,
): Promise<boolean> {
  if (isTerminal(job.state)) return false;
  const isSame = job.priority === priority && job.prioritySource?.by === 'person';
  if (isSame) return true;
  await tx.jobs.change(job.id, { priority, prioritySource: { by: 'person' } }, tx.nowMs);
  await tx.tell(job.id, 'priority', reason);
  await wantStatusComment(tx, job);
  tx.wake('queue');
  return true;
}
