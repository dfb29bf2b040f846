import type { AttemptId } from '../contract/identifiers.ts';
import type { Offer, RunnerRequest, RunnerResponse } from '../contract/runner-api.ts';
import type { StoredJob } from '../store/stored-job.ts';
import { accepted, type Answer, refused } from './answer.ts';
import type { DispatchDeps } from './dispatch-deps.ts';
import { isCurrentSession, judgeSpecialties, type Session } from './runner-sessions.ts';
import { createToldLately } from './told-lately.ts';
import { listen, type Waiter } from './wake.ts';
import { withdrawUntoldOffers } from './withdraw-offer.ts';

export type PollCall = {
  session: Session;
  request: RunnerRequest<'poll'>;
  /** Ends the wait early: the runner hung up, or the coordinator stops. */
  signal: AbortSignal;
};

type News = RunnerResponse<'poll'>;

/** The long poll: resolves as soon as there is something to tell the runner, and at the latest when its wait is over. */
export type Poll = (call: PollCall) => Promise<Answer<News>>;

export function createPoll(deps: Pick<DispatchDeps, 'store' | 'assigner' | 'clock' | 'timings'>): Poll {
  const { store, assigner, clock, timings } = deps;
  const told = createToldLately(clock, timings.retellSeconds * 1000);

  return async (call) => {
    const waiter = listen({ store, clock }, [`runner:${call.session.runnerId}`]);
    try {
      return await waitForNews(call, waiter);
    } finally {
      waiter.stop();
    }
  };

  async function waitForNews(call: PollCall, waiter: Waiter): Promise<Answer<News>> {
    const untilMs = clock.monotonicMs() + call.request.waitSeconds * 1000;
    const taken = await takeFacts(call);
    if (!taken.ok) return taken;
    await noteRunner(call);
    if (!call.request.draining) await assigner.assign();

    for (;;) {
      // Nobody hears the answer any more, so nothing may count as told.
      if (call.signal.aborted) return accepted({ offers: [], cancels: [], drain: false });
      const news = await readNews(call);
      const leftMs = untilMs - clock.monotonicMs();
      if (!news.ok || isWorthTelling(news.value) || leftMs <= 0) return news;
      await waiter.next(Math.min(leftMs, timings.pollRecheckSeconds * 1000), call.signal);
    }
  }

  /** A runner whose settings were changed says so in a poll: a new session would break off the calls under way in the old one. */
  async function takeFacts({ session, request }: PollCall): Promise<Answer<null>> {
    const { facts } = request;
    if (facts === undefined) return accepted(null);
    return await store.transact(async (tx) => {
      const runner = await tx.runners.get(session.runnerId);
      const allowed = judgeSpecialties(facts, runner?.allowedSpecialties ?? null);
      if (allowed.ok) await tx.runners.setFacts(session.runnerId, facts);
      return allowed;
    });
  }

  async function noteRunner({ session, request }: PollCall): Promise<void> {
    const { runnerId } = session;
    const { draining, freeDiskBytes } = request;
    const accepting = request.freeSlots > 0 && !draining;
    await store.runners.change(runnerId, {
      lastSeenAtMs: await store.nowMs(),
      accepting,
      draining,
      freeDiskBytes,
    });
    if (accepting) return;
    const reason = draining ? 'The runner is about to stop.' : 'The runner has no free slot or disk space.';
    await store.transact((tx) => withdrawUntoldOffers(tx, runnerId, reason, timings));
  }

  async function readNews({ session, request }: PollCall): Promise<Answer<News>> {
    const runner = await store.runners.get(session.runnerId);
    if (!runner) return refused('unauthorized', 'This runner is not registered here. Enrol it anew.');
    const current = isCurrentSession(runner, session);
    if (!current.ok) return current;

    const held = await store.jobs.heldBy(session.runnerId);
    const offers = request.draining ? [] : await readOffers(held.filter((job) => job.state === 'offered'));
    const cancels = [...toCancels(held), ...(await readStrays(request.attempts, held))];
    const newOffers = told.takeNew(
      offers,
      request.freeSlots,
      (offer) => `offer ${session.runnerId} ${session.epoch} ${offer.attemptId} ${offer.epoch}`,
    );
    for (const { attemptId, epoch } of newOffers)
      await store.attempts.change(attemptId, { toldEpoch: epoch });
    return accepted({
      offers: newOffers,
      cancels: told.takeNew(
        cancels,
        cancels.length,
        ({ attemptId }) => `cancel ${session.runnerId} ${session.epoch} ${attemptId}`,
      ),
      drain: runner.drainRequested && !request.draining,
    });
  }

  async function readOffers(jobs: readonly StoredJob[]): Promise<Offer[]> {
    const offers: Offer[] = [];
    for (const job of jobs) {
      const attempt = job.attemptId === null ? null : await store.attempts.get(job.attemptId);
      const leftMs = (job.deadlineAtMs ?? 0) - (await store.nowMs());
      if (!attempt || leftMs <= 0) continue;
      offers.push({
        attemptId: attempt.id,
        jobId: job.id,
        epoch: attempt.epoch,
        specialty: job.specialty,
        acceptWithinSeconds: leftMs / 1000,
      });
    }
    return offers;
  }

  /** Attempts that the runner thinks it has and that are not its own. */
  async function readStrays(
    claimed: readonly AttemptId[],
    held: readonly StoredJob[],
  ): Promise<News['cancels']> {
    const own = new Set(held.map((job) => job.attemptId));
    const strays: News['cancels'] = [];
    for (const attemptId of claimed) {
      if (own.has(attemptId)) continue;
      const attempt = await store.attempts.get(attemptId);
      // One that has ended just now is not a stray: the runner's own report of the end may still be on its way back.
      const endedAtMs = attempt?.finishedAtMs ?? 0;
      if ((await store.nowMs()) - endedAtMs < timings.heartbeatSeconds * 1000) continue;
      strays.push({ attemptId, reason: 'The coordinator has given this attempt up.' });
    }
    return strays;
  }
}

function toCancels(held: readonly StoredJob[]): News['cancels'] {
  return held.flatMap((job) =>
    job.state === 'cancelling' && job.attemptId !== null
      ? [{ attemptId: job.attemptId, reason: job.stateReason ?? 'The job was cancelled.' }]
      : [],
  );
}

function isWorthTelling(news: News): boolean {
  return news.offers.length > 0 || news.cancels.length > 0 || news.drain;
}
