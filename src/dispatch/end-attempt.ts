import type { AttemptResult } from '../contract/attempt-result.ts';
import type { AttemptId } from '../contract/identifiers.ts';
import type { JobState } from '../contract/job.ts';
import { planRetry } from '../domain/retry-policy.ts';
import type { Timings } from '../domain/timings.ts';
import type { Random } from '../lib/random.ts';
import type { AttemptChange, StoredAttempt } from '../store/attempts.ts';
import type { JobChange, StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { type HealthTimings, noteRunnerHealth } from './note-runner-health.ts';
import { tellFailedRound } from './notes.ts';
import { newAttempt } from './new-attempt.ts';
import { dropNextRound, wantNextRound } from './next-round.ts';
import { stillAvoided } from './passed-over.ts';
import { wantLooksAtFollowers } from './want-looks.ts';
import { wantStatusComment } from './want-report.ts';

/** How an attempt ended that brought no pull request. */
export type AttemptEnd = {
  outcome:
    'no_changes' | 'tests_failed' | 'agent_failed' | 'policy_refused' | 'timed_out' | 'cancelled' | 'lost';
  retryable: boolean;
  /** One sentence for people. */
  reason: string;
  /** `null` when the runner could not say anything. */
  result: AttemptResult | null;
  /** Whether GitHub has taken the final state of the check run from the runner. */
  checkRunFinished: boolean;
};

export type EndDeps = {
  newId: () => string;
  random: Random;
  timings: Pick<Timings, 'retryBaseSeconds' | 'retryMaxSeconds' | 'failedRunnerSeconds'> & HealthTimings;
};

/**
 * Ends the attempt of a job that is locked, and decides what becomes of the job: another attempt, or the end. False if
 * somebody was first. The last word on the check run is the coordinator's when the runner could not say it.
 */
export async function endAttempt(
  tx: StoreTx,
  job: StoredJob,
  attempt: StoredAttempt,
  end: AttemptEnd,
  deps: EndDeps,
): Promise<boolean> {
  const plan = planRetry(
    {
      outcome: end.outcome,
      retryable: end.retryable,
      infrastructureRetries: job.infrastructureRetries,
      workRetries: job.workRetries,
    },
    { nowMs: tx.nowMs, random: deps.random.fraction(), timings: deps.timings },
  );
  // Whoever pushed meanwhile did it, not the machine.
  const isRunnersFailure = end.result?.overtaken !== true;
  const stateReason = plan.kind === 'retry' ? `${end.reason} It is ${plan.reason}.` : end.reason;

  const moved =
    plan.kind === 'retry'
      ? await queueAgain(tx, job, attempt, { ...plan, stateReason, isRunnersFailure }, deps)
      : await close(tx, job, plan.state, { outcome: end.outcome, stateReason });
  if (!moved) return false;

  if (isRunnersFailure) await noteRunnerHealth(tx, job, attempt, end, deps.timings);
  await settleAttempt(tx, job, attempt, {
    outcome: end.outcome,
    result: end.result,
    lastWordIsOurs: !end.checkRunFinished,
  });
  const keepsWork = end.result?.headCommit != null;
  if (plan.kind === 'give_up' && !keepsWork) await wantCleanBranch(tx, job);
  // Whoever makes a pull request of it by hand sees there what the tests say.
  if (plan.kind === 'give_up' && keepsWork)
    await tx.want({ effect: { kind: 'evidence', jobId: job.id }, installationId: job.installationId });
  if (plan.kind === 'give_up') await tellFailedRound(tx, job, stateReason);
  await tx.tell(job.id, plan.kind === 'retry' ? 'retry' : plan.state, stateReason);
  await wantStatusComment(tx, job, plan.kind === 'retry' ? 'progress' : 'final');
  return true;
}

/** Ends a job that is not to go on, whatever its state: at once, when no runner works on it, or after its runner has stopped. */
export async function closeCancelled(
  tx: StoreTx,
  job: StoredJob,
  attempt: StoredAttempt | null,
  facts: { reason: string; result: AttemptResult | null },
): Promise<boolean> {
  const moved = await close(tx, job, 'cancelled', { outcome: 'cancelled', stateReason: facts.reason });
  if (!moved) return false;
  if (attempt) {
    await settleAttempt(tx, job, attempt, {
      outcome: 'cancelled',
      result: facts.result,
      lastWordIsOurs: true,
    });
  }
  await wantCleanBranch(tx, job);
  await tx.tell(job.id, 'cancelled', facts.reason);
  await wantStatusComment(tx, job, 'final');
  return true;
}

/** Ends a job that can't be worked on, with GitHub's or our words for it: nobody has begun. */
export async function closeUnstartable(
  tx: StoreTx,
  job: StoredJob,
  attempt: StoredAttempt,
  facts: { state: 'failed' | 'dead'; reason: string },
): Promise<boolean> {
  const moved = await close(tx, job, facts.state, { outcome: null, stateReason: facts.reason });
  if (!moved) return false;
  await settleAttempt(tx, job, attempt, { outcome: 'lost', result: null, lastWordIsOurs: true });
  await wantCleanBranch(tx, job);
  await tellFailedRound(tx, job, facts.reason);
  await tx.tell(job.id, facts.state, facts.reason);
  await wantStatusComment(tx, job, 'final');
  return true;
}

/** Writes down how the attempt ended, closes its lease and tokens, and frees the slot. */
export async function settleAttempt(
  tx: StoreTx,
  job: StoredJob,
  attempt: StoredAttempt,
  end: Pick<StoredAttempt, 'outcome' | 'result'> & { lastWordIsOurs: boolean },
): Promise<void> {
  const change: AttemptChange = {
    outcome: end.outcome,
    finishedAtMs: tx.nowMs,
    leaseTokenHash: null,
    ...(end.result ? { result: end.result, evidence: end.result.evidence } : {}),
  };
  await tx.attempts.change(attempt.id, change);
  const { installationId } = job;
  if (attempt.acceptedAtMs !== null) {
    const { id: attemptId, epoch } = attempt;
    await tx.want({ effect: { kind: 'revoke-tokens', attemptId, epoch }, installationId });
  }
  if (end.lastWordIsOurs && attempt.checkRun !== null) {
    await tx.want({ effect: { kind: 'check-run', attemptId: attempt.id }, installationId });
  }
  if (job.runnerId !== null) tx.wake(`runner:${job.runnerId}`);
  tx.wake('queue');
}

async function queueAgain(
  tx: StoreTx,
  job: StoredJob,
  attempt: StoredAttempt,
  again: {
    budget: 'infrastructure' | 'work';
    runAtMs: number;
    stateReason: string;
    /** Then others come before it for a while. */
    isRunnersFailure: boolean;
  },
  deps: EndDeps,
): Promise<boolean> {
  const next = newAttempt({
    id: deps.newId() as AttemptId,
    jobId: job.id,
    number: attempt.number + 1,
    nowMs: tx.nowMs,
  });
  const untilMs = again.runAtMs + deps.timings.failedRunnerSeconds * 1000;
  const avoid = stillAvoided(job, tx.nowMs);
  if (job.runnerId !== null && again.isRunnersFailure)
    avoid.push({ runnerId: job.runnerId, untilMs, why: 'failed' });
  const change: JobChange = {
    attemptId: next.id,
    attemptNumber: next.number,
    ready: false,
    runAtMs: again.runAtMs,
    stateReason: again.stateReason,
    avoid,
    ...(again.budget === 'work'
      ? { workRetries: job.workRetries + 1 }
      : { infrastructureRetries: job.infrastructureRetries + 1 }),
  };
  const moved = await tx.jobs.move(job, 'queued', change, tx.nowMs);
  if (!moved) return false;
  await tx.attempts.insert(next);
  await tx.want({
    effect: { kind: 'attempt-start', attemptId: next.id },
    installationId: job.installationId,
    runAtMs: again.runAtMs,
  });
  return true;
}

async function close(
  tx: StoreTx,
  job: StoredJob,
  state: JobState,
  change: Pick<StoredJob, 'outcome' | 'stateReason'>,
): Promise<boolean> {
  const moved = await tx.jobs.move(job, state, change, tx.nowMs);
  if (!moved) return false;
  await wantLooksAtFollowers(tx, job);
  await (state === 'cancelled' ? dropNextRound(tx, job) : wantNextRound(tx, { ...job, state }));
  return true;
}

/** The effect itself looks whether the branch holds anything that must stay. */
async function wantCleanBranch(tx: StoreTx, job: StoredJob): Promise<void> {
  await tx.want({
    effect: { kind: 'clean-branch', jobId: job.id },
    installationId: job.installationId,
  });
}
