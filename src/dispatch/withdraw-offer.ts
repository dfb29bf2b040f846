import type { RunnerId } from '../contract/identifiers.ts';
import { BUDGETS, type Timings } from '../domain/timings.ts';
import type { StoredAttempt } from '../store/attempts.ts';
import type { JobChange, StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { closeUnstartable } from './end-attempt.ts';
import { stillAvoided } from './passed-over.ts';
import { wantStatusComment } from './want-report.ts';

/**
 * Takes an attempt back from a runner that has not begun it: an offer that lapsed or was declined, or an accepted attempt that
 * the runner gives back. The attempt keeps its start commit and check run. It costs no retry, but after too many offers the job is `dead`;
 * an offer that its runner never heard of does not count.
 * False if somebody was first.
 */
export async function withdrawOffer(
  tx: StoreTx,
  job: StoredJob,
  attempt: StoredAttempt,
  why: { event: 'declined' | 'offer_lapsed'; reason: string },
  timings: Pick<Timings, 'avoidRunnerSeconds'>,
): Promise<boolean> {
  const offers = job.offers + Number(isTold(attempt));
  if (offers >= BUDGETS.offers) {
    const reason = `No runner took the job in ${offers} offers. ${why.reason} Look at the runners, then ask again.`;
    return closeUnstartable(tx, job, attempt, { state: 'dead', reason });
  }

  const untilMs = tx.nowMs + timings.avoidRunnerSeconds * 1000;
  const avoid = stillAvoided(job, tx.nowMs);
  if (job.runnerId !== null) avoid.push({ runnerId: job.runnerId, untilMs, why: 'declined' });
  const moved = await tx.jobs.move(job, 'queued', { offers, avoid, stateReason: why.reason }, tx.nowMs);
  if (!moved) return false;
  await releaseAttempt(tx, job, attempt);
  await tx.tell(job.id, why.event, why.reason);
  await wantStatusComment(tx, job);
  return true;
}

/** Takes back at once what a runner was offered and has not heard of, because it takes nothing at the moment. */
export async function withdrawUntoldOffers(
  tx: StoreTx,
  runnerId: RunnerId,
  reason: string,
  timings: Pick<Timings, 'avoidRunnerSeconds'>,
): Promise<void> {
  for (const { id } of await tx.jobs.heldBy(runnerId)) {
    const job = await tx.jobs.lock(id);
    const attempt = job?.attemptId == null ? null : await tx.attempts.get(job.attemptId);
    if (!job || !attempt || job.runnerId !== runnerId || job.state !== 'offered' || isTold(attempt)) continue;
    await withdrawOffer(tx, job, attempt, { event: 'declined', reason }, timings);
  }
}

function isTold(attempt: StoredAttempt): boolean {
  return attempt.toldEpoch === attempt.epoch;
}

/** After a line like it, the timeline gets no second one within this time: an outage may last for hours. */
const TELL_AGAIN_MS = 10 * 60_000;

/**
 * Puts an offer back for a while because GitHub can't be reached: nobody's fault, so it counts for nothing. The whole job waits (`waitMs`),
 * or only its runner is passed over (`passOver`, in seconds), since others may reach GitHub. False if somebody was first.
 */
export async function postponeOffer(
  tx: StoreTx,
  job: StoredJob,
  attempt: StoredAttempt,
  why: { reason: string } & ({ waitMs: number } | { passOver: number }),
): Promise<boolean> {
  const change: JobChange = { stateReason: why.reason };
  if ('waitMs' in why) {
    change.runAtMs = tx.nowMs + why.waitMs;
  } else if (job.runnerId !== null) {
    const untilMs = tx.nowMs + why.passOver * 1000;
    change.avoid = [...stillAvoided(job, tx.nowMs), { runnerId: job.runnerId, untilMs, why: 'declined' }];
  }
  const moved = await tx.jobs.move(job, 'queued', change, tx.nowMs);
  if (!moved) return false;
  await releaseAttempt(tx, job, attempt);
  if ((await tx.timeline.countEvents(job.id, 'postponed', tx.nowMs - TELL_AGAIN_MS)) === 0) {
    await tx.tell(job.id, 'postponed', why.reason);
    await wantStatusComment(tx, job);
  }
  return true;
}

/** The attempt belongs to no runner any more; what its runner was given ends. */
export async function releaseAttempt(tx: StoreTx, job: StoredJob, attempt: StoredAttempt): Promise<void> {
  await tx.attempts.change(attempt.id, {
    runner: null,
    budget: null,
    leaseTokenHash: null,
    phase: null,
    progress: null,
    acceptedAtMs: null,
  });
  if (attempt.acceptedAtMs !== null) {
    await tx.want({
      effect: { kind: 'revoke-tokens', attemptId: attempt.id, epoch: attempt.epoch },
      installationId: job.installationId,
    });
  }
  tx.wake('queue');
}
