import type { AttemptId } from '../contract/identifiers.ts';
import { isLeased } from '../domain/job-lifecycle.ts';
import { matchesSecret } from '../lib/secret.ts';
import type { StoredAttempt } from '../store/attempts.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { accepted, type Answer, refused } from './answer.ts';
import type { Session } from './runner-sessions.ts';

/** With what a runner shows that an attempt is its own. */
export type LeaseKey = {
  session: Session;
  attemptId: AttemptId;
  epoch: number;
  leaseToken: string;
};

export type Held = { job: StoredJob; attempt: StoredAttempt };

/** The answer to whoever comes too late: drop everything, publish nothing. */
export function stale(why: string): Answer<never> {
  return refused(
    'stale_attempt',
    `This attempt is not yours any more: ${why}. Drop the work and publish nothing.`,
  );
}

/** Reads an attempt and its job, and locks the job until the end of the transaction. */
export async function lockAttempt(tx: StoreTx, attemptId: AttemptId): Promise<Held | null> {
  const found = await tx.attempts.get(attemptId);
  if (!found) return null;
  const job = await tx.jobs.lock(found.jobId);
  // Read again: what was read before the lock may have changed while waiting for it.
  const attempt = await tx.attempts.get(attemptId);
  return job && attempt ? { job, attempt } : null;
}

/** An attempt of the caller: offered to it or held by it, in this epoch. */
export async function lockOwnAttempt(tx: StoreTx, call: Omit<LeaseKey, 'leaseToken'>): Promise<Answer<Held>> {
  const held = await lockAttempt(tx, call.attemptId);
  if (!held) return refused('not_found', 'There is no such attempt. Poll for a new offer.');
  const { job, attempt } = held;
  if (job.attemptId !== attempt.id) return stale('a newer attempt has taken its place');
  if (job.runnerId !== call.session.runnerId) return stale('it was given to another runner or has ended');
  if (attempt.epoch !== call.epoch) return stale('it was offered anew since');
  return accepted(held);
}

/**
 * The attempt that the caller holds a lease for. A lease whose time is over counts until the sweeper has judged it: nobody else
 * has been given the work yet. `cancelling` is still the caller's: it has to be told, and to confirm.
 */
export async function lockLease(tx: StoreTx, call: LeaseKey): Promise<Answer<Held>> {
  const own = await lockOwnAttempt(tx, call);
  if (!own.ok) return own;
  const { job, attempt } = own.value;
  if (!isLeased(job.state) && job.state !== 'cancelling') return stale(`the job is ${job.state}`);
  if (!matchesSecret(call.leaseToken, attempt.leaseTokenHash)) return stale('the lease token is another one');
  return own;
}
