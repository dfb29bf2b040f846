import type { AttemptResult } from '../../src/contract/attempt-result.ts';
import { toProtocolHeader } from '../../src/contract/protocol-version.ts';
import { createAssigner } from '../../src/dispatch/assigner.ts';
import { createAttemptTokens } from '../../src/dispatch/attempt-tokens.ts';
import { createDispatcher } from '../../src/dispatch/dispatcher.ts';
import { createRunnerRegistry } from '../../src/dispatch/runner-registry.ts';
import type { Session } from '../../src/dispatch/runner-sessions.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createUuidV7 } from '../../src/lib/uuid-v7.ts';
import { anIdempotency, value } from './dispatch-world.ts';
import { someRunnerFacts } from './runner-builders.ts';
import { aSeal } from './seal.ts';
import { openSweepWorld } from './sweep-world.ts';
import { createTestLogger } from './test-logger.ts';

/** The sweep world with a runner that ends attempts as a test wants it. */
export async function openWorkingWorld() {
  const world = await openSweepWorld();
  const { store, github, fullName, standin } = world;
  // It fails one after the other, and is to go on.
  const timings = { ...DEFAULT_TIMINGS, quickFailureSeconds: 0 };
  const newId = createUuidV7({ clock: systemClock, random: systemRandom });
  const shared = {
    store,
    github,
    newId,
    timings,
    clock: systemClock,
    random: systemRandom,
    log: createTestLogger(),
  };
  const assigner = createAssigner(shared);
  const tokens = createAttemptTokens({ ...shared, seal: aSeal() });
  const dispatcher = createDispatcher({
    ...shared,
    tokens,
    assigner,
    githubApiUrl: 'https://api.github.com',
  });
  const registry = createRunnerRegistry({ ...shared, coordinatorVersion: 'test' });
  const session = await enrol();

  async function enrol(): Promise<Session> {
    const facts = someRunnerFacts({ capacity: 20 });
    const { token } = await registry.createEnrollToken({ specialties: null, expiresInSeconds: null });
    const enrolled = value(await registry.enroll({ token, facts }, anIdempotency()));
    const { sessionToken } = value(await registry.openSession({ ...enrolled, facts }));
    return value(await registry.authenticate(sessionToken, toProtocolHeader()));
  }

  /** The newest job of the issue, as soon as it has its check run. */
  async function jobOf(issue: number, specialty?: string) {
    await world.settle();
    const jobs = await world.jobsOf(issue);
    const job = jobs.find((one) => specialty === undefined || one.specialty === specialty);
    const attempt = job?.attemptId == null ? null : await store.attempts.get(job.attemptId);
    if (!job || !attempt) throw new Error(`#${issue} has no job at work`);
    return { job, attempt };
  }

  /** The runner looks for work, and so is offered what waits. */
  async function poll() {
    await assigner.assign();
    const request = { waitSeconds: 0, freeSlots: 20, freeDiskBytes: 1, attempts: [], draining: false };
    const { signal } = new AbortController();
    return value(await dispatcher.poll({ session, request, signal })).offers;
  }

  /** Has the runner take the issue's job and end it; `files`: what it pushes. */
  async function work(
    issue: number,
    ending: AttemptResult,
    files: Record<string, string> | null = null,
    specialty?: string,
  ) {
    const { job, attempt } = await jobOf(issue, specialty);
    const offers = await poll();
    const offer = offers.find(({ attemptId }) => attemptId === attempt.id);
    if (!offer) throw new Error(`the job of #${issue} was not offered`);
    const { attemptId, epoch } = offer;
    const { leaseToken } = value(
      await dispatcher.accept({ session, attemptId, epoch, idempotency: anIdempotency() }),
    );
    const lease = { session, attemptId, epoch, leaseToken };
    value(await dispatcher.start(lease, anIdempotency()));
    let headCommit: string | null = null;
    if (files !== null) {
      value(await dispatcher.token({ lease, purpose: 'publish', headCommit: null }));
      headCommit = await standin.as('alice').pushFiles(fullName, job.branch, files, 'Work');
    }
    const result = { ...ending, headCommit };
    value(
      await dispatcher.complete({ lease, result, checkRunFinished: false, idempotency: anIdempotency() }),
    );
    await world.settle();
    return { ...(await jobOf(issue, specialty)), headCommit: headCommit ?? '' };
  }

  return {
    world,
    jobOf,
    /** Offers what the runner may have; it hears of that when it works. */
    assign: () => assigner.assign(),
    poll,
    work,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}
