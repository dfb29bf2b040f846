import { createHash, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import type { AttemptResult } from '../../src/contract/attempt-result.ts';
import type { AttemptId, JobId } from '../../src/contract/identifiers.ts';
import type { Offer } from '../../src/contract/runner-api.ts';
import { createAcceptTrigger } from '../../src/dispatch/accept-trigger.ts';
import type { Answer } from '../../src/dispatch/answer.ts';
import { createAssigner } from '../../src/dispatch/assigner.ts';
import { createAttemptTokens } from '../../src/dispatch/attempt-tokens.ts';
import { createDispatcher } from '../../src/dispatch/dispatcher.ts';
import { createEffects } from '../../src/dispatch/effects/effects.ts';
import type { LeaseKey } from '../../src/dispatch/lease.ts';
import { createOutbox } from '../../src/dispatch/outbox.ts';
import { createRunnerRegistry } from '../../src/dispatch/runner-registry.ts';
import type { Session } from '../../src/dispatch/runner-sessions.ts';
import { createSweeper } from '../../src/dispatch/sweeper.ts';
import { toCheckRun, toEvidenceCheckRun, toLaterHeadCheckRun } from '../../src/domain/check-run-text.ts';
import { decide } from '../../src/domain/decide.ts';
import { isLive, isTerminal } from '../../src/domain/job-lifecycle.ts';
import { BUILT_IN_LABELS } from '../../src/domain/labels.ts';
import { toPullRequest } from '../../src/domain/pull-request-text.ts';
import { toSettingsCheckRun } from '../../src/domain/settings-check-text.ts';
import { toStartCommitMessage } from '../../src/domain/start-commit-text.ts';
import { statusMarker, toStatusComment } from '../../src/domain/status-comment-text.ts';
import { BUDGETS, DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import type { Trigger } from '../../src/domain/trigger.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createUuidV7 } from '../../src/lib/uuid-v7.ts';
import type { StoredJob } from '../../src/store/stored-job.ts';
import type { Store } from '../../src/store/store.ts';
import { MAIL_KEY } from './dispatch-world.ts';
import type { FakeClock } from './fake-clock.ts';
import { createGitHubRecorder } from './github-recorder.ts';
import { aRepository, aResult } from './job-builders.ts';
import { someRunnerFacts } from './runner-builders.ts';
import { createTestLogger } from './test-logger.ts';
import { aSeal } from './seal.ts';

const SPECIALTIES = ['backend', 'frontend'] as const;
const ISSUES = 3;
/** The first can do everything, two at a time; the second one thing, one at a time. */
const RUNNERS = [
  { name: 'be-1', specialties: ['backend', 'frontend'], capacity: 2 },
  { name: 'be-2', specialties: ['backend'], capacity: 1 },
];
const RESULTS = {
  pull_request: {},
  no_changes: { retryable: false, headCommit: null },
  tests_failed: { retryable: false },
  agent_failed: { retryable: true, headCommit: null },
  cancelled: { retryable: true, headCommit: null },
} as const satisfies Partial<Record<AttemptResult['outcome'], Partial<AttemptResult>>>;

/** Picks one of what there is by then, by its number modulo how many there are. */
const pick = fc.nat(1000);
/** Which of the coordinators is asked. */
const at = fc.nat(1);
const runner = fc.nat(RUNNERS.length - 1);
const issue = fc.nat(ISSUES - 1);
const specialty = fc.constantFrom(...SPECIALTIES);

/** One thing that happens. What it refers to may be long gone. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('label' as const), at, issue, specialty }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unlabel' as const), at, issue, specialty }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('poll' as const),
      at,
      runner,
      freeSlots: fc.nat(2),
      /** The runner hangs up before the answer. */
      hangsUp: fc.nat(4).map((chance) => chance === 0),
    }),
  },
  // Without these, few things that happen would find anything to happen to.
  { weight: 14, arbitrary: fc.record({ kind: fc.constant('take' as const), at, runner }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('accept' as const), at, pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('decline' as const), at, pick }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('start' as const), at, pick }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('heartbeat' as const), at, pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('log' as const), at, pick, offset: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('publish' as const), at, pick }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('complete' as const),
      at,
      pick,
      outcome: fc.constantFrom(...(Object.keys(RESULTS) as (keyof typeof RESULTS)[])),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('repeat' as const), at, pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), at, pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold' as const), at, pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unhold' as const), at, pick }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('prioritise' as const),
      at,
      pick,
      priority: fc.constantFrom('high' as const, 'normal' as const, 'low' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 10, 31, 61, 130, 256, 301),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('sweep' as const), at }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('effects' as const), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('session' as const), at, runner }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain' as const), at, runner }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), at, runner }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), at }) },
);
export type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

/** What happens one after the other; things in one inner list happen at the same time. */
export const interleavings: fc.Arbitrary<Happening[][]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: happening.map((one) => [one]) },
    { weight: 1, arbitrary: fc.array(happening, { minLength: 2, maxLength: 4 }) },
  ),
  { minLength: 20, maxLength: 60, size: 'max' },
);

/** Where the jobs are kept: empty at the beginning, one store or two on the same database. */
export type StoresUnderTest = {
  stores: Store[];
  /** Closes one store and opens another in its place, on the same data. */
  restart(index: number): Promise<Store>;
};

type Coordinator = ReturnType<typeof createParts>;
type TestRunner = {
  id: Session['runnerId'];
  key: string;
  sessionToken: string;
  facts: (typeof RUNNERS)[number];
};
type KnownOffer = { runner: TestRunner; offer: Offer };
type KnownLease = { runner: TestRunner; jobId: JobId; lease: Omit<LeaseKey, 'session'> };

/** What was seen of a job at the last look. */
type Seen = Pick<StoredJob, 'state' | 'outcome' | 'attemptNumber'> & { epochs: Map<AttemptId, number> };

/**
 * Lets it all happen, looks after every step whether what must be true is true, and at the end whether every job comes to an end once
 * its runners keep answering. Throws at the first thing that is not as it should be.
 */
export async function live(
  happenings: readonly Happening[][],
  clock: FakeClock,
  under: StoresUnderTest,
): Promise<void> {
  const recorder = createGitHubRecorder(clock);
  const labels = new Map<number, Set<string>>();
  const coordinators = under.stores.map((store) => createParts(store, { clock, recorder, labels }));
  const coordinator = (index: number): Coordinator => {
    const one = coordinators[index % coordinators.length];
    if (!one) throw new Error('there is no coordinator');
    return one;
  };

  const runners: TestRunner[] = [];
  for (const facts of RUNNERS) runners.push(await enrol(coordinator(0), facts));
  const offers: KnownOffer[] = [];
  const leases: KnownLease[] = [];
  const repeats: ((at: number) => Promise<unknown>)[] = [];
  const told = new Map<JobId, number>();
  const seen = new Map<JobId, Seen>();

  for (const kind of SPECIALTIES) await happen({ kind: 'label', at: 0, issue: 0, specialty: kind }, false);
  for (const step of happenings) {
    const alone = step.length === 1;
    await Promise.all(step.map((one) => happen(one, alone)));
    await look();
  }
  await finishAll();

  async function happen(one: Happening, alone: boolean): Promise<void> {
    switch (one.kind) {
      case 'label':
      case 'unlabel': {
        const trigger = toTrigger(one);
        const label = `agent:${one.specialty}`;
        const own = labels.get(one.issue) ?? new Set();
        labels.set(one.issue, own);
        if (one.kind === 'label') own.add(label);
        else own.delete(label);
        const ask = (index: number) => coordinator(index).acceptTrigger(trigger);
        repeats.push(ask);
        await ask(one.at);
        return;
      }
      case 'poll':
        return poll(one);
      case 'take': {
        await coordinator(one.at).outbox.runDue();
        const from = offers.length;
        await poll({ kind: 'poll', at: one.at, runner: one.runner, freeSlots: 2, hangsUp: false });
        for (const known of offers.slice(from)) await accept(known, one.at);
        return;
      }
      case 'accept': {
        const known = choose(offers, one.pick);
        if (known) await accept(known, one.at);
        return;
      }
      case 'decline': {
        const known = choose(offers, one.pick);
        if (!known) return;
        const { attemptId, epoch } = known.offer;
        const why = { reason: 'no_capacity', detail: '' } as const;
        const idempotency = anIdempotency();
        await call(known.runner, one.at, (session, { dispatcher }) =>
          dispatcher.decline({ session, attemptId, epoch, ...why, idempotency }),
        );
        return;
      }
      case 'start': {
        const idempotency = anIdempotency();
        return withLease(one, alone, (lease, { dispatcher }) => dispatcher.start(lease, idempotency));
      }
      case 'heartbeat':
        return withLease(one, alone, (lease, { dispatcher }) =>
          dispatcher.heartbeat(lease, { phase: 'agent' }),
        );
      case 'log':
        return withLease(one, alone, (lease, { dispatcher }) =>
          dispatcher.log(lease, { offset: one.offset, text: 'ten bytes.' }),
        );
      case 'publish':
        return withLease(one, alone, (lease, { dispatcher }) =>
          dispatcher.token({ lease, purpose: 'publish', headCommit: 'c'.repeat(40) }),
        );
      case 'complete': {
        const result = aResult({ outcome: one.outcome, ...RESULTS[one.outcome] });
        const idempotency = anIdempotency();
        return withLease(one, alone, (lease, { dispatcher }) =>
          dispatcher.complete({ lease, result, checkRunFinished: false, idempotency }),
        );
      }
      case 'repeat':
        await choose(repeats, one.pick)?.(one.at);
        return;
      case 'cancel':
      case 'hold':
      case 'unhold': {
        const jobId = choose([...seen.keys()], one.pick);
        if (jobId !== undefined) await coordinator(one.at).dispatcher[one.kind](jobId, 'somebody said so');
        return;
      }
      case 'prioritise': {
        const jobId = choose([...seen.keys()], one.pick);
        if (jobId !== undefined) await coordinator(one.at).dispatcher.prioritise(jobId, one.priority, 'so');
        return;
      }
      case 'wait':
        clock.advance(one.seconds);
        return;
      case 'sweep':
        return coordinator(one.at).sweeper.sweep();
      case 'effects':
        return coordinator(one.at).outbox.runDue();
      case 'session': {
        const known = runners[one.runner];
        if (known) await openSession(coordinator(one.at), known);
        return;
      }
      case 'drain': {
        const known = runners[one.runner];
        if (known) await coordinator(one.at).registry.drain(known.id);
        return;
      }
      case 'leave': {
        const known = runners[one.runner];
        if (!known) return;
        const { registry } = coordinator(one.at);
        const session = await registry.authenticate(known.sessionToken);
        if (session.ok) await registry.closeSession(session.value);
        return;
      }
      case 'restart':
        // Not under the feet of something else that happens: a call that was cut off is a repeat.
        return alone ? restart(one.at) : undefined;
      default:
        one satisfies never;
    }
  }

  /** What a runner asks, in its session; nothing happens without one. */
  async function call<T>(
    known: TestRunner,
    index: number,
    ask: (session: Session, parts: Coordinator) => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    const tell = async (where: number): Promise<Answer<T>> => {
      const parts = coordinator(where);
      const session = await parts.registry.authenticate(known.sessionToken);
      return session.ok ? ask(session.value, parts) : session;
    };
    repeats.push(tell);
    return tell(index);
  }

  async function poll(one: Extract<Happening, { kind: 'poll' }>): Promise<void> {
    const known = runners[one.runner];
    if (!known) return;
    const { dispatcher, registry } = coordinator(one.at);
    const session = await registry.authenticate(known.sessionToken);
    if (!session.ok) return;
    const signal = one.hangsUp ? AbortSignal.abort() : new AbortController().signal;
    const request = {
      waitSeconds: 0,
      freeSlots: one.freeSlots,
      freeDiskBytes: 1e12,
      attempts: [],
      draining: false,
    };
    const answer = await dispatcher.poll({ session: session.value, signal, request });
    if (!answer.ok) return;
    must(!one.hangsUp || answer.value.offers.length === 0, 'nothing is told to who has hung up');
    must(answer.value.offers.length <= one.freeSlots, 'no more is offered than there are free slots');
    for (const offer of answer.value.offers) {
      told.set(offer.jobId, (told.get(offer.jobId) ?? 0) + 1);
      offers.push({ runner: known, offer });
    }
  }

  async function accept({ runner: known, offer }: KnownOffer, index: number): Promise<KnownLease | null> {
    const { attemptId, epoch, jobId } = offer;
    const idempotency = anIdempotency();
    let latest: KnownLease | null = null;
    await call(known, index, async (session, { dispatcher }) => {
      const answer = await dispatcher.accept({ session, attemptId, epoch, idempotency });
      if (answer.ok) {
        const { leaseToken } = answer.value;
        // A repeat has a new token under the same epoch.
        const earlier = leases.filter(({ lease }) => lease.attemptId === attemptId);
        must(
          earlier.every(({ lease }) => lease.epoch <= epoch),
          'no lease of an attempt has a lower epoch than one before',
        );
        latest = { runner: known, jobId, lease: { attemptId, epoch, leaseToken } };
        leases.push(latest);
      }
      return answer;
    });
    return latest;
  }

  /** A call with any lease that was ever given out. One that does not count any more must change nothing. */
  async function withLease<T>(
    one: { at: number; pick: number },
    alone: boolean,
    ask: (lease: LeaseKey, parts: Coordinator) => Promise<Answer<T>>,
  ): Promise<void> {
    const known = choose(leases, one.pick);
    if (!known) return;
    const before = await rowsOf(known);
    await call(known.runner, one.at, (session, parts) => ask({ ...known.lease, session }, parts));
    if (!alone || isCurrent(known, before)) return;
    must(isDeepStrictEqual(await rowsOf(known), before), 'a stale lease changes nothing');
  }

  async function rowsOf({ jobId, lease }: KnownLease) {
    const { store } = coordinator(0);
    return { job: await store.jobs.get(jobId), attempt: await store.attempts.get(lease.attemptId) };
  }

  function isCurrent(
    { runner: known, lease }: KnownLease,
    { job, attempt }: Awaited<ReturnType<typeof rowsOf>>,
  ) {
    const hash = createHash('sha256').update(lease.leaseToken).digest('hex');
    return (
      job?.attemptId === lease.attemptId &&
      job.runnerId === known.id &&
      attempt?.epoch === lease.epoch &&
      attempt.leaseTokenHash === hash
    );
  }

  async function restart(index: number): Promise<void> {
    const which = index % coordinators.length;
    coordinators[which] = createParts(await under.restart(which), { clock, recorder, labels });
    await coordinator(which).sweeper.forgiveOutage();
  }

  /** What must be true at every moment. */
  async function look(): Promise<void> {
    const { store } = coordinator(0);
    const jobs = await store.jobs.list({ states: [], limit: 1000 });
    const occupied = jobs
      .filter(({ state }) => isLive(state))
      .map((job) => `${job.issue.number} ${job.specialty}`);
    must(new Set(occupied).size === occupied.length, 'an issue has one live job of each specialty');

    for (const job of jobs) {
      const known = seen.get(job.id);
      if (known && isTerminal(known.state)) {
        must(job.state === known.state && job.outcome === known.outcome, 'terminal is final');
        continue;
      }
      const attempts = await store.attempts.ofJob(job.id);
      must(
        attempts.filter(({ leaseTokenHash }) => leaseTokenHash !== null).length <= 1,
        'a job has at most one live lease',
      );
      const accepted = leases.filter(({ jobId }) => jobId === job.id);
      const failures = job.infrastructureRetries + job.workRetries;
      must(failures <= accepted.length, 'only what a runner has accepted costs a retry');
      must(job.infrastructureRetries <= BUDGETS.infrastructureRetries, 'infrastructure retries have an end');
      must(job.workRetries <= BUDGETS.workRetries, 'work retries have an end');
      must(job.offers <= (told.get(job.id) ?? 0), 'an offer that nobody heard of costs nothing');

      const epochs = new Map(attempts.map(({ id, epoch }) => [id, epoch]));
      must(job.attemptNumber >= (known?.attemptNumber ?? 0), 'attempts are counted upwards');
      for (const [id, epoch] of known?.epochs ?? []) must((epochs.get(id) ?? -1) >= epoch, 'epochs grow');
      seen.set(job.id, { state: job.state, outcome: job.outcome, attemptNumber: job.attemptNumber, epochs });
    }

    for (const view of await store.runners.views(clock.nowMs(), 1e9)) {
      must(view.active <= view.capacity, 'a runner has no more than its slots');
    }
  }

  /** From here on nobody cancels, and runners do what they are asked: every job has to come to its end. */
  async function finishAll(): Promise<void> {
    const { dispatcher, store } = coordinator(0);
    for (const jobId of seen.keys()) await dispatcher.unhold(jobId, 'go on');
    for (let round = 0; round < 80; round += 1) {
      const left = (await store.jobs.list({ states: [], limit: 1000 })).filter(({ state }) => isLive(state));
      if (left.length === 0) return lookAtTokens();
      const parts = coordinator(round);
      await parts.outbox.runDue();
      for (const known of runners) {
        await openSession(parts, known);
        const from = offers.length;
        const poll_ = {
          kind: 'poll',
          at: round,
          runner: runners.indexOf(known),
          freeSlots: 2,
          hangsUp: false,
        } as const;
        await poll(poll_);
        for (const offer of offers.slice(from)) await work(offer, round);
      }
      await parts.sweeper.sweep();
      await look();
      clock.advance(round < 20 ? 30 : 600);
    }
    const left = (await store.jobs.list({ states: [], limit: 1000 })).filter(({ state }) => isLive(state));
    must(false, `every job ends, but not ${JSON.stringify(left, null, 1)}`);
  }

  async function lookAtTokens(): Promise<void> {
    for (const { outbox } of coordinators) await outbox.runDue();
    must(
      recorder.tokens.every(({ revoked }) => revoked),
      'tokens end with their attempts, whichever coordinator has minted them',
    );
  }

  async function work(offer: KnownOffer, index: number): Promise<void> {
    const taken = await accept(offer, index);
    if (!taken) return;
    await call(taken.runner, index, async (session, { dispatcher }) => {
      const lease = { ...taken.lease, session };
      await dispatcher.start(lease, anIdempotency());
      await dispatcher.token({ lease, purpose: 'publish', headCommit: 'c'.repeat(40) });
      const call_ = { lease, result: aResult(), checkRunFinished: true, idempotency: anIdempotency() };
      return dispatcher.complete(call_);
    });
  }
}

/** What must be true is not. */
class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

function must(isTrue: boolean, promise: string): void {
  if (!isTrue) throw new BrokenPromise(promise);
}

/** Of two numbers one takes any, the other one of the newest: most of what counts is new. */
function choose<T>(from: readonly T[], number: number): T | undefined {
  const half = Math.floor(number / 2);
  return number % 2 === 0 ? from[half % from.length] : from.at(-1 - (half % Math.min(3, from.length)));
}

const anIdempotency = () => ({ key: randomUUID(), requestHash: 'the same' });

function toTrigger(one: Extract<Happening, { kind: 'label' | 'unlabel' }>): Trigger {
  const shared = {
    key: randomUUID(),
    target: { installationId: 5, repository: aRepository() },
    issueNumber: one.issue,
    label: `agent:${one.specialty}`,
    sender: { login: 'alice', id: 1, isBot: false },
  };
  return one.kind === 'unlabel'
    ? { kind: 'label_removed', ...shared }
    : {
        kind: 'label_added',
        at: '2026-05-04T12:00:00Z',
        issue: { title: 'Totals are wrong', body: '' },
        ...shared,
      };
}

async function enrol({ registry }: Coordinator, facts: (typeof RUNNERS)[number]): Promise<TestRunner> {
  const { token } = await registry.createEnrollToken({ specialties: null, expiresInSeconds: null });
  const answer = await registry.enroll({ token, facts: someRunnerFacts(facts) }, anIdempotency());
  if (!answer.ok) throw new Error(answer.message);
  const enrolled = { id: answer.value.runnerId, key: answer.value.key, sessionToken: '', facts };
  await openSession({ registry }, enrolled);
  return enrolled;
}

async function openSession({ registry }: Pick<Coordinator, 'registry'>, known: TestRunner): Promise<void> {
  const { id: runnerId, key } = known;
  const answer = await registry.openSession({ runnerId, key, facts: someRunnerFacts(known.facts) });
  if (answer.ok) known.sessionToken = answer.value.sessionToken;
}

/** A coordinator between webhooks and runner API, without loops of its own. */
function createParts(
  store: Store,
  world: {
    clock: FakeClock;
    recorder: ReturnType<typeof createGitHubRecorder>;
    labels: ReadonlyMap<number, ReadonlySet<string>>;
  },
) {
  const { clock, recorder, labels } = world;
  const github: typeof recorder.github = {
    ...recorder.github,
    readIssue: async (_target, number) => ({
      found: true,
      issue: { ...recorder.issue.snapshot, number, labels: [...(labels.get(number) ?? [])] },
      state: 'open',
      locked: false,
      isPullRequest: false,
      openBlockers: [],
    }),
  };
  const random = { ...systemRandom, fraction: () => 0.5 };
  const newId = createUuidV7({ clock, random });
  const shared = { store, clock, random, newId, timings: DEFAULT_TIMINGS, log: createTestLogger() };
  const tokens = createAttemptTokens({ ...shared, github, seal: aSeal() });
  const assigner = createAssigner(shared);
  const githubApiUrl = 'https://api.github.com';
  const texts = {
    toCheckRun,
    toEvidenceCheckRun,
    toLaterHeadCheckRun,
    toSettingsCheckRun,
    toPullRequest,
    toStartCommitMessage,
    statusMarker,
    toStatusComment,
  };
  const effects = createEffects({
    ...shared,
    github,
    githubApiUrl,
    mailKey: MAIL_KEY,
    texts,
    tokens,
    labels: BUILT_IN_LABELS,
  });
  return {
    store,
    dispatcher: createDispatcher({ ...shared, github, tokens, assigner, githubApiUrl }),
    registry: createRunnerRegistry({ ...shared, coordinatorVersion: '0.0.0-test' }),
    outbox: createOutbox({ ...shared, effects }),
    sweeper: createSweeper({ ...shared, assigner }),
    acceptTrigger: createAcceptTrigger({
      ...shared,
      github,
      decide,
      // No runner here works by way of GitHub.
      lookAtCheckRun: async () => undefined,
    }),
  };
}
