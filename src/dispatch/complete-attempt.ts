import type { AttemptResult } from '../contract/attempt-result.ts';
import type { RunnerResponse } from '../contract/runner-api.ts';
import type { StoreTx } from '../store/store.ts';
import { accepted, type Answer, refused } from './answer.ts';
import { answerOnce, type Idempotency } from './answer-once.ts';
import type { DispatchDeps } from './dispatch-deps.ts';
import { closeCancelled, endAttempt, settleAttempt } from './end-attempt.ts';
import { type Held, type LeaseKey, lockLease, stale } from './lease.ts';
import { noteRunnerHealth } from './note-runner-health.ts';
import { wantStatusComment } from './want-report.ts';

export type CompleteCall = {
  lease: LeaseKey;
  result: AttemptResult;
  /** Whether GitHub has taken the final state of the check run from the runner. */
  checkRunFinished: boolean;
  /** Work that was not pushed. */
  patch?: string | undefined;
  idempotency: Idempotency;
};

/** The runner is through with an attempt. What was decided first stands: a job that is being cancelled is cancelled, whatever came of it. */
export async function completeAttempt(
  call: CompleteCall,
  deps: DispatchDeps,
): Promise<Answer<RunnerResponse<'complete'>>> {
  const { lease } = call;
  const scope = `${lease.session.runnerId} complete ${lease.attemptId}`;
  return deps.store.transact((tx) =>
    answerOnce(tx, scope, call.idempotency, async () => {
      const held = await lockLease(tx, lease);
      if (!held.ok) return held;
      await tx.runners.change(lease.session.runnerId, { lastSeenAtMs: tx.nowMs });
      const ended = await end(tx, held.value, call, deps);
      if (!ended.ok) return ended;
      return ended.value ? accepted({}) : stale('it was taken back just now');
    }),
  );
}

/** False if somebody was first. */
async function end(
  tx: StoreTx,
  { job, attempt }: Held,
  { result, checkRunFinished, patch }: Pick<CompleteCall, 'result' | 'checkRunFinished' | 'patch'>,
  deps: DispatchDeps,
): Promise<Answer<boolean>> {
  if (job.state === 'cancelling') {
    const cancelled: AttemptResult = { ...result, outcome: 'cancelled' };
    const reason = job.stateReason ?? result.reason;
    return accepted(await closeCancelled(tx, job, attempt, { reason, result: cancelled }));
  }
  const { outcome } = result;
  if (outcome === 'pull_request') return succeed(tx, { job, attempt }, { result, checkRunFinished }, deps);
  if (patch !== undefined) await tx.patches.keep(attempt.id, patch, tx.nowMs);
  const { retryable, reason } = result;
  const ending = { outcome, retryable, reason, result, checkRunFinished };
  return accepted(await endAttempt(tx, job, attempt, ending, deps));
}

/** The work is on the branch; the pull request is opened by the outbox, and tried until it is there. */
async function succeed(
  tx: StoreTx,
  { job, attempt }: Held,
  { result, checkRunFinished }: Pick<CompleteCall, 'result' | 'checkRunFinished'>,
  { timings }: Pick<DispatchDeps, 'timings'>,
): Promise<Answer<boolean>> {
  if (job.state !== 'finishing' || result.headCommit === null) {
    return refused(
      'invalid_request',
      'The outcome pull_request needs the pushed headCommit, and a publish token must have been asked for before.',
    );
  }
  const done = { outcome: 'pull_request' as const, stateReason: null };
  if (!(await tx.jobs.move(job, 'succeeded', done, tx.nowMs))) return accepted(false);
  await noteRunnerHealth(tx, job, attempt, result, timings);
  await settleAttempt(tx, job, attempt, {
    outcome: 'pull_request',
    result,
    lastWordIsOurs: !checkRunFinished,
  });
  await tx.want({
    effect: { kind: 'pull-request', jobId: job.id },
    installationId: job.installationId,
    weight: 'final',
  });
  await tx.tell(job.id, 'succeeded', result.reason);
  await wantStatusComment(tx, job, 'final');
  return accepted(true);
}
