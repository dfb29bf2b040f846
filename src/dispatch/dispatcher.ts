import type { JobId } from '../contract/identifiers.ts';
import type { GitHubToken, RunnerResponse } from '../contract/runner-api.ts';
import { PRIORITIES, type Priority } from '../domain/job.ts';
import type { Timings } from '../domain/timings.ts';
import type { GitHub } from '../github/github.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { type AcceptCall, acceptOffer } from './accept-offer.ts';
import type { Answer } from './answer.ts';
import type { Assigner } from './assigner.ts';
import type { AttemptTokens } from './attempt-tokens.ts';
import { cancelJob, type CancelResult } from './cancel-job.ts';
import { completeAttempt, type CompleteCall } from './complete-attempt.ts';
import { type DeclineCall, declineOffer } from './decline-offer.ts';
import type { DispatchDeps } from './dispatch-deps.ts';
import { type HoldResult, holdJob, setPriority, unholdJob } from './hold-job.ts';
import { giveToken, type TokenCall } from './job-token.ts';
import { createLeaseCalls, type LeaseCalls } from './lease-calls.ts';
import { createPoll, type Poll } from './poll.ts';

/**
 * What runners ask of the coordinator. Every call that changes something is one transaction that compares job, attempt, epoch and
 * state before it sets anything, so each may be repeated, come late, or race with any other. Calls answer with a value or a refusal;
 * they throw only when the store fails.
 */
export type Dispatcher = LeaseCalls & {
  poll: Poll;
  accept(call: AcceptCall): Promise<Answer<RunnerResponse<'accept'>>>;
  decline(call: DeclineCall): Promise<Answer<RunnerResponse<'decline'>>>;
  token(call: TokenCall): Promise<Answer<GitHubToken>>;
  complete(call: CompleteCall): Promise<Answer<RunnerResponse<'complete'>>>;
  /** For operators; what GitHub tells goes through `acceptTrigger`. `null`: there is no such job. */
  cancel(jobId: JobId, reason: string): Promise<CancelResult | null>;
  /** For operators, as `cancel`. */
  hold(jobId: JobId, reason: string): Promise<HoldResult | null>;
  unhold(jobId: JobId, reason: string): Promise<HoldResult | null>;
  /** For operators: `true` when the job has this priority now, `false` when it has ended, `null` when there is none. */
  prioritise(jobId: JobId, priority: Priority, reason: string): Promise<boolean | null>;
  /** From now on leases are long enough to live through a planned restart. */
  announceStop(): void;
};

export function createDispatcher(deps: {
  store: Store;
  github: Pick<GitHub, 'identity'>;
  tokens: AttemptTokens;
  assigner: Assigner;
  githubApiUrl: string;
  newId: () => string;
  clock: Clock;
  random: Random;
  timings: Timings;
  log: Logger;
}): Dispatcher {
  const { store, timings } = deps;
  let stopping = false;

  const shared: DispatchDeps = {
    ...deps,
    identity: () => deps.github.identity(),
    leaseSeconds: () => (stopping ? timings.plannedStopSeconds : timings.leaseSeconds),
  };

  /** Does `work` with the job locked; `null`: there is no such job. */
  async function withJob<T>(
    jobId: JobId,
    work: (tx: StoreTx, job: StoredJob) => Promise<T>,
  ): Promise<T | null> {
    return store.transact(async (tx) => {
      const job = await tx.jobs.lock(jobId);
      return job && work(tx, job);
    });
  }

  return {
    ...createLeaseCalls(shared),
    poll: createPoll(shared),
    accept: (call) => acceptOffer(call, shared),
    decline: (call) => declineOffer(call, shared),
    token: (call) => giveToken(call, shared),
    complete: (call) => completeAttempt(call, shared),
    cancel: (jobId, reason) => withJob(jobId, (tx, job) => cancelJob(tx, job, reason, timings)),
    hold: (jobId, reason) => withJob(jobId, (tx, job) => holdJob(tx, job, reason)),
    unhold: (jobId, reason) => withJob(jobId, (tx, job) => unholdJob(tx, job, reason)),
    prioritise: (jobId, priority, reason) =>
      withJob(jobId, (tx, job) => setPriority(tx, job, PRIORITIES[priority], reason)),
    announceStop() {
      stopping = true;
    },
  };
}
