import type { AttemptId } from '../contract/identifiers.ts';
import type { RunnerResponse } from '../contract/runner-api.ts';
import { toBudget } from '../domain/day-rest.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import { GitHubError } from '../github/github-error.ts';
import { createSecret, hashSecret } from '../lib/secret.ts';
import type { StoreTx } from '../store/store.ts';
import { accepted, type Answer, refused } from './answer.ts';
import type { Idempotency } from './answer-once.ts';
import type { DispatchDeps } from './dispatch-deps.ts';
import { closeUnstartable } from './end-attempt.ts';
import { type AppIdentity, toJobSpec } from './job-spec.ts';
import { type Held, lockAttempt, lockOwnAttempt, stale } from './lease.ts';
import type { Session } from './runner-sessions.ts';
import { wantStatusComment } from './want-report.ts';
import { postponeOffer } from './withdraw-offer.ts';

export type AcceptCall = { session: Session; attemptId: AttemptId; epoch: number; idempotency: Idempotency };
type Accepted = RunnerResponse<'accept'>;

/**
 * Takes an offer. The run token is minted first, so that an offer is only taken when the work can begin: while GitHub can't be reached the
 * job goes back to the queue without any loss. A repeat with the same key gets the same attempt with a new lease token: the one
 * before ends, since its answer was lost. So no secret has to be stored.
 */
export async function acceptOffer(call: AcceptCall, deps: DispatchDeps): Promise<Answer<Accepted>> {
  const mayTake = await deps.store.transact((tx) => lockOfferOrRepeat(tx, call));
  if (!mayTake.ok) return mayTake;

  const prepared = await prepare(mayTake.value, call, deps);
  if (!prepared.ok) return prepared;

  const taken = await deps.store.transact((tx) => take(tx, call, prepared.value.app, deps));
  if (!taken.ok) {
    // Nobody will use it; should this fail, it ends by itself within the hour. Others may be in use by a call that was faster.
    await deps.tokens.revoke(prepared.value.runToken.token).catch((error: unknown) => {
      deps.log.warn({ err: error, attemptId: call.attemptId }, 'A token that is not needed was not revoked');
    });
    return taken;
  }
  return accepted({ ...taken.value, runToken: prepared.value.runToken });
}

const scopeOf = (call: AcceptCall): string => `${call.session.runnerId} accept ${call.attemptId}`;

/** The attempt as it is offered to the caller, or as the caller has taken it by this very request. */
async function lockOfferOrRepeat(
  tx: StoreTx,
  call: AcceptCall,
): Promise<Answer<Held & { isRepeat: boolean }>> {
  const own = await lockOwnAttempt(tx, call);
  if (!own.ok) return own;
  const known = await tx.memory.getAnswer(scopeOf(call), call.idempotency.key);
  if (known && known.requestHash !== call.idempotency.requestHash) {
    return refused('invalid_request', 'This idempotency key was used for another request. Use a new key.');
  }
  const { job } = own.value;
  if (known && job.state === 'preparing') return accepted({ ...own.value, isRepeat: true });
  if (job.state !== 'offered') return stale(`the job is ${job.state}`);
  return accepted({ ...own.value, isRepeat: false });
}

type Prepared = { app: { identity: AppIdentity; githubApiUrl: string }; runToken: Accepted['runToken'] };

async function prepare({ job }: Held, call: AcceptCall, deps: DispatchDeps): Promise<Answer<Prepared>> {
  const target: RepositoryTarget = { installationId: job.installationId, repository: job.repository };
  try {
    const identity = await deps.identity();
    const runToken = await deps.tokens.mint(target, call, 'run');
    return accepted({ app: { identity, githubApiUrl: deps.githubApiUrl }, runToken });
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    return giveBack(error, call, deps);
  }
}

/** GitHub gives no token: for now, or for good. */
async function giveBack(error: GitHubError, call: AcceptCall, deps: DispatchDeps): Promise<Answer<never>> {
  const isPassing = error.kind === 'unavailable' || error.kind === 'rate_limited';
  const waitMs = error.retryAfterMs ?? deps.timings.retryBaseSeconds * 1000;
  await deps.store.transact(async (tx) => {
    const held = await lockAttempt(tx, call.attemptId);
    if (!held || held.job.state !== 'offered' || held.attempt.epoch !== call.epoch) return;
    const { job, attempt } = held;
    if (isPassing) {
      const reason = `GitHub gives no token at the moment (${error.message}); the job is offered again shortly.`;
      await postponeOffer(tx, job, attempt, { reason, waitMs });
    } else {
      const reason = `GitHub gives no token for the repository: ${error.message}`;
      await closeUnstartable(tx, job, attempt, { state: 'failed', reason });
    }
  });
  return stale(`GitHub gave no token for it: ${error.message}`);
}

async function take(
  tx: StoreTx,
  call: AcceptCall,
  app: Prepared['app'],
  deps: DispatchDeps,
): Promise<Answer<Omit<Accepted, 'runToken'>>> {
  const found = await lockOfferOrRepeat(tx, call);
  if (!found.ok) return found;
  const { job, attempt, isRepeat } = found.value;
  const spec = toJobSpec(job, attempt, app);
  if (!spec) throw new Error(`Attempt ${attempt.id} was offered without a start commit or check run`);

  const leaseToken = createSecret(deps.random);
  if (isRepeat) {
    await renewLease(tx, { job, attempt }, leaseToken, deps);
  } else {
    if (!(await beginLease(tx, { job, attempt }, leaseToken, deps)))
      return stale('it was withdrawn just now');
    const answer = { requestHash: call.idempotency.requestHash, body: '{}' };
    await tx.memory.putAnswer(scopeOf(call), call.idempotency.key, answer, tx.nowMs);
  }
  const { heartbeatSeconds } = deps.timings;
  return accepted({ spec, leaseToken, leaseSeconds: deps.leaseSeconds(), heartbeatSeconds });
}

/** Turns the offer of a locked job into a lease. False if somebody was first. */
export async function beginLease(
  tx: StoreTx,
  { job, attempt }: Held,
  leaseToken: string,
  deps: Pick<DispatchDeps, 'leaseSeconds' | 'timings'>,
): Promise<boolean> {
  if (!(await tx.jobs.move(job, 'preparing', toLease(tx, { job, attempt }, deps), tx.nowMs))) return false;
  await tx.tell(job.id, 'accepted', `${attempt.runner?.name ?? 'The runner'} took the job`);
  await wantStatusComment(tx, job);
  await noteLease(tx, attempt, leaseToken);
  return true;
}

async function renewLease(
  tx: StoreTx,
  { job, attempt }: Held,
  leaseToken: string,
  deps: DispatchDeps,
): Promise<void> {
  await tx.jobs.change(job.id, toLease(tx, { job, attempt }, deps), tx.nowMs);
  await noteLease(tx, attempt, leaseToken);
}

async function noteLease(tx: StoreTx, { id }: Held['attempt'], leaseToken: string): Promise<void> {
  const leaseTokenHash = hashSecret(leaseToken);
  await tx.attempts.change(id, { leaseTokenHash, acceptedAtMs: tx.nowMs, phase: 'prepare' });
}

function toLease(
  tx: StoreTx,
  { job, attempt }: Held,
  deps: Pick<DispatchDeps, 'leaseSeconds' | 'timings'>,
): { deadlineAtMs: number; runUntilMs: number } {
  return {
    deadlineAtMs: tx.nowMs + deps.leaseSeconds() * 1000,
    runUntilMs: tx.nowMs + (toBudget(job, attempt).maxMinutes * 60 + deps.timings.overrunSeconds) * 1000,
  };
}
