import { isLeased, isTerminal } from '../domain/job-lifecycle.ts';
import type { Timings } from '../domain/timings.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { closeCancelled } from './end-attempt.ts';
import { wantStatusComment } from './want-report.ts';

/** What a cancel came to. `ended`: it was over already, or is being cancelled. */
export type CancelResult = 'cancelled' | 'cancelling' | 'ended';

/**
 * Cancels a job that is locked. Where no runner works on it, it is over at once (an offer is withdrawn); otherwise its runner is
 * told, and confirms, or the sweeper counts it as done.
 */
export async function cancelJob(
  tx: StoreTx,
  job: StoredJob,
  reason: string,
  timings: Pick<Timings, 'cancelConfirmSeconds'>,
): Promise<CancelResult> {
  if (isTerminal(job.state) || job.state === 'cancelling') return 'ended';

  if (!isLeased(job.state)) {
    const attempt = job.attemptId === null ? null : await tx.attempts.get(job.attemptId);
    const closed = await closeCancelled(tx, job, attempt, { reason, result: null });
    return closed ? 'cancelled' : 'ended';
  }

  const deadlineAtMs = tx.nowMs + timings.cancelConfirmSeconds * 1000;
  // Whoever cancels sets the clock: the longest run does not matter any more.
  const change = { stateReason: reason, deadlineAtMs, runUntilMs: null };
  const moved = await tx.jobs.move(job, 'cancelling', change, tx.nowMs);
  if (!moved) return 'ended';
  await tx.tell(job.id, 'cancelling', reason);
  await wantStatusComment(tx, job);
  if (job.runnerId !== null) tx.wake(`runner:${job.runnerId}`);
  return 'cancelling';
}
