import type { AttemptId } from '../contract/identifiers.ts';
import type { DeclineReason, RunnerResponse } from '../contract/runner-api.ts';
import { accepted, type Answer } from './answer.ts';
import { answerOnce, type Idempotency } from './answer-once.ts';
import type { DispatchDeps } from './dispatch-deps.ts';
import { lockOwnAttempt, stale } from './lease.ts';
import type { Session } from './runner-sessions.ts';
import { postponeOffer, withdrawOffer } from './withdraw-offer.ts';

export type DeclineCall = {
  session: Session;
  attemptId: AttemptId;
  epoch: number;
  reason: DeclineReason;
  detail: string;
  idempotency: Idempotency;
};

const REASONS: Readonly<Record<DeclineReason, string>> = {
  draining: 'is about to stop',
  no_capacity: 'has no free slot',
  disk_full: 'has too little free disk space',
  wrong_check_run: 'found another check run than the one it was given',
  github_unreachable: 'could not look at its check run on GitHub',
  unsupported: 'can’t do this kind of job',
};

/** Gives an offer back, or an attempt that was accepted and not begun. */
export async function declineOffer(
  call: DeclineCall,
  deps: DispatchDeps,
): Promise<Answer<RunnerResponse<'decline'>>> {
  const scope = `${call.session.runnerId} decline ${call.attemptId}`;
  return deps.store.transact((tx) =>
    answerOnce(tx, scope, call.idempotency, async () => {
      const own = await lockOwnAttempt(tx, call);
      if (!own.ok) return own;
      const { job, attempt } = own.value;
      if (job.state !== 'offered' && job.state !== 'preparing') return stale(`the job is ${job.state}`);

      const detail = call.detail === '' ? '' : ` (${call.detail})`;
      const reason = `${attempt.runner?.name ?? 'The runner'} ${REASONS[call.reason]}${detail}.`;
      // An outage of GitHub may outlast any budget of offers, and is not the runner's or the job's fault.
      const withdrawn =
        call.reason === 'github_unreachable'
          ? await postponeOffer(tx, job, attempt, { reason, passOver: deps.timings.avoidRunnerSeconds })
          : await withdrawOffer(tx, job, attempt, { event: 'declined', reason }, deps.timings);
      return withdrawn ? accepted({}) : stale('it was withdrawn just now');
    }),
  );
}
