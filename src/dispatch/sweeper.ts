import { toBudget } from '../domain/day-rest.ts';
import { isLeased } from '../domain/job-lifecycle.ts';
import type { Timings } from '../domain/timings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { StoredAttempt } from '../store/attempts.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store, StoreTx } from '../store/store.ts';
import type { Assigner } from './assigner.ts';
import { closeCancelled, endAttempt, type EndDeps } from './end-attempt.ts';
import { ALIVE_MARK } from './sweep-names.ts';
import { listen } from './wake.ts';
import { withdrawOffer } from './withdraw-offer.ts';

/** Overdue jobs judged in one round; the rest come in the next. */
const ROUND = 200;
const PRUNE_EVERY_MS = 60 * 60 * 1000;
/** An outage shorter than this part of a lease left every runner that was well most of its lease to come back. */
const SHORT_OUTAGE = 4;

/** Moves on what nobody else will: lapsed offers and leases, runs that take too long, cancels nobody confirmed, retries that are due. */
export type Sweeper = {
  /** After a start, before the first `sweep`: when no coordinator was there for a while, gives every runner with a lease time to come back. */
  forgiveOutage(): Promise<void>;
  /** One round. Idempotent; rounds of several coordinators may overlap. */
  sweep(): Promise<void>;
  /** Forgives outages, of the coordinators or of the store, sweeps now and then, and assigns whenever a slot or a job comes free, until it is stopped. */
  start(): void;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export function createSweeper(deps: {
  store: Store;
  assigner: Assigner;
  newId: () => string;
  clock: Clock;
  random: Random;
  timings: Timings;
  log: Logger;
}): Sweeper {
  const { store, assigner, clock, timings, log } = deps;
  const stopping = new AbortController();
  let loops: Promise<unknown> | null = null;
  // At once after a start: a coordinator that is restarted often tidies up, too.
  let prunedAtMs = -Infinity;

  const forgiveOutage = (): Promise<void> => forgive(timings.returnSeconds);

  /**
   * While no coordinator could be reached, or none could reach the store, no heartbeat could be taken. A coordinator that starts beside others
   * forgives nothing, or one that crashes again and again would keep lost runners' leases alive.
   */
  async function forgive(seconds: number): Promise<void> {
    const nowMs = await store.nowMs();
    const goneMs = nowMs - Number((await store.sweeps.getMark(ALIVE_MARK)) ?? 0);
    const shortMs = (timings.leaseSeconds / SHORT_OUTAGE) * 1000;
    if (goneMs >= shortMs) {
      // Ten offers that nobody could answer would end a job, and each has its runner avoided.
      await store.jobs.extendOffers(nowMs + timings.acceptSeconds * 1000);
      const forgiven = await store.jobs.extendLeases(nowMs + seconds * 1000);
      if (forgiven > 0)
        log.info({ forgiven, seconds }, 'Leases are not judged before their runners had time to come back');
    }
    // Long before it would look like an outage. Also one from the future, of a clock that was put back.
    if (goneMs < 0 || goneMs >= shortMs / 2) await store.sweeps.putMark(ALIVE_MARK, String(nowMs));
  }

  async function sweep(): Promise<void> {
    for (const { id } of await store.jobs.overdue(await store.nowMs(), ROUND)) {
      await store.transact(async (tx) => {
        const job = await tx.jobs.lock(id);
        const attempt = job?.attemptId == null ? null : await tx.attempts.get(job.attemptId);
        if (job && attempt) await judge(tx, job, attempt, deps);
      });
    }
    await assigner.assign();
    await assigner.explainWaiting();
    await store.requeueLapsedTasks();
    if (clock.monotonicMs() - prunedAtMs >= PRUNE_EVERY_MS) {
      prunedAtMs = clock.monotonicMs();
      await store.prune();
    }
  }

  async function sweepRegularly(): Promise<void> {
    let isStarting = true;
    while (!stopping.signal.aborted) {
      await survive(async () => {
        await forgive(isStarting ? timings.returnSeconds : timings.storeReturnSeconds);
        isStarting = false;
        await sweep();
      });
      // Stopping ends the wait early; the loop ends by itself.
      await clock.sleep(timings.sweepSeconds * 1000, stopping.signal).catch(() => undefined);
    }
  }

  async function assignWhenWoken(): Promise<void> {
    const waiter = listen({ store, clock }, ['queue']);
    while (!stopping.signal.aborted) {
      await waiter.next(timings.sweepSeconds * 1000, stopping.signal);
      if (!stopping.signal.aborted) await survive(() => assigner.assign());
    }
    waiter.stop();
  }

  /** The store may be away for a while; the next round finds what this one missed. */
  async function survive(round: () => Promise<void>): Promise<void> {
    try {
      await round();
    } catch (error) {
      log.error({ err: error }, 'A round of the sweeper failed; the next one tries again');
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await loops;
  }

  return {
    forgiveOutage,
    sweep,
    start() {
      loops ??= Promise.all([sweepRegularly(), assignWhenWoken()]);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** What is due for a job that is locked, by the store's clock. */
async function judge(
  tx: StoreTx,
  job: StoredJob,
  attempt: StoredAttempt,
  deps: EndDeps & { timings: Timings },
): Promise<void> {
  const runner = attempt.runner?.name ?? 'The runner';
  const deadlineAtMs = job.deadlineAtMs ?? Infinity;
  const unheard = { result: null, checkRunFinished: false };

  if (job.state === 'offered') {
    if (deadlineAtMs > tx.nowMs) return;
    const reason = `${runner} did not answer the offer in time.`;
    await noteSilence(tx, job, deps.timings);
    await withdrawOffer(tx, job, attempt, { event: 'offer_lapsed', reason }, deps.timings);
  } else if (job.state === 'cancelling') {
    if (deadlineAtMs > tx.nowMs) return;
    await closeCancelled(tx, job, attempt, { reason: job.stateReason ?? 'It was cancelled.', result: null });
  } else if (isLeased(job.state)) {
    if (deadlineAtMs + deps.timings.leaseGraceSeconds * 1000 <= tx.nowMs) {
      const reason = `${runner} has not been heard of, so its attempt counts as lost.`;
      await endAttempt(tx, job, attempt, { ...unheard, outcome: 'lost', retryable: true, reason }, deps);
    } else if ((job.runUntilMs ?? Infinity) <= tx.nowMs) {
      const reason = `It ran longer than the ${toBudget(job, attempt).maxMinutes} minutes that the settings allow.`;
      await endAttempt(
        tx,
        job,
        attempt,
        { ...unheard, outcome: 'timed_out', retryable: false, reason },
        deps,
      );
    }
  }
}

/** One that only reaches GitHub can't be heard while it is idle: that it missed an offer is all that tells that it is not there. */
async function noteSilence(tx: StoreTx, job: StoredJob, timings: Timings): Promise<void> {
  const runner = job.runnerId === null ? null : await tx.runners.get(job.runnerId);
  if (runner?.transport !== 'github') return;
  await tx.runners.change(runner.id, { silentUntilMs: tx.nowMs + timings.githubSilentSeconds * 1000 });
}
