import type { GitHubToken, TokenPurpose } from '../contract/runner-api.ts';
import { isLeased } from '../domain/job-lifecycle.ts';
import { GitHubError } from '../github/github-error.ts';
import type { StoreTx } from '../store/store.ts';
import { accepted, type Answer, refused } from './answer.ts';
import type { DispatchDeps } from './dispatch-deps.ts';
import { type Held, type LeaseKey, lockLease, stale } from './lease.ts';
import { notePhase } from './note-phase.ts';

export type TokenCall = {
  lease: LeaseKey;
  purpose: TokenPurpose;
  /** For `publish`: what is going to be pushed. */
  headCommit: string | null;
};

/**
 * A fresh GitHub token for the holder of a lease. `publish` moves the job to `finishing` first, which is what decides between
 * publishing and a cancel; and the lease is looked at once more after minting, so that an attempt that was lost meanwhile
 * gets nothing.
 */
export async function giveToken(call: TokenCall, deps: DispatchDeps): Promise<Answer<GitHubToken>> {
  const held = await deps.store.transact((tx) => admitToken(tx, call));
  if (!held.ok) return held;

  const { job, attempt } = held.value;
  const target = { installationId: job.installationId, repository: job.repository };
  const minted = await mint(() => deps.tokens.mint(target, call.lease, call.purpose));
  if (!minted.ok) return minted;

  const still = await deps.store.transact((tx) => lockLease(tx, call.lease));
  if (still.ok && isLeased(still.value.job.state)) return minted;
  await deps.tokens.revoke(minted.value.token).catch((error: unknown) => {
    deps.log.warn(
      { err: error, attemptId: attempt.id },
      'A token of an attempt that has ended was not revoked',
    );
  });
  return still.ok ? beingCancelled(still.value) : still;
}

/** Whether the holder of a lease may have such a token; `publish` moves the job to `finishing`. */
export async function admitToken(
  tx: StoreTx,
  { lease, purpose, headCommit }: TokenCall,
): Promise<Answer<Held>> {
  const held = await lockLease(tx, lease);
  if (!held.ok) return held;
  const { job, attempt } = held.value;
  if (job.state === 'cancelling') return beingCancelled(held.value);
  if (purpose === 'run') return held;
  if (job.state === 'finishing') {
    await tx.attempts.change(attempt.id, { announcedCommit: headCommit });
    return held;
  }

  if (job.state !== 'running') {
    return refused(
      'policy_refused',
      `Nothing can be published while the job is ${job.state}: call start first.`,
    );
  }
  if (job.deadlineAtMs !== null && job.deadlineAtMs < tx.nowMs) {
    return refused('policy_refused', 'The lease is over. Send a heartbeat, then ask again.');
  }
  const moved = await tx.jobs.move(job, 'finishing', {}, tx.nowMs);
  if (!moved) return stale('it was taken back just now');
  await tx.attempts.change(attempt.id, { announcedCommit: headCommit });
  await notePhase(tx, held.value, 'publish');
  return held;
}

function beingCancelled({ job }: Held): Answer<never> {
  return refused('policy_refused', `The job is being cancelled: ${job.stateReason ?? 'no reason given'}`);
}

async function mint(work: () => Promise<GitHubToken>): Promise<Answer<GitHubToken>> {
  try {
    return accepted(await work());
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    const message = `GitHub gives no token: ${error.message}`;
    switch (error.kind) {
      case 'rate_limited':
        return refused('rate_limited', message);
      case 'unavailable':
        return refused('unavailable', message);
      case 'gone':
      case 'forbidden':
      case 'conflict':
      case 'invalid':
        return refused('policy_refused', message);
      default:
        return error.kind satisfies never;
    }
  }
}
