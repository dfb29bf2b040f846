import { randomUUID } from 'node:crypto';
import type { JobId } from '../../src/contract/identifiers.ts';
import { toProtocolHeader } from '../../src/contract/protocol-version.ts';
import type { PollRequest, RunnerFacts, RunnerResponse } from '../../src/contract/runner-api.ts';
import { createAcceptTrigger } from '../../src/dispatch/accept-trigger.ts';
import type { Answer } from '../../src/dispatch/answer.ts';
import type { Idempotency } from '../../src/dispatch/answer-once.ts';
import { createAssigner } from '../../src/dispatch/assigner.ts';
import { createAttemptTokens } from '../../src/dispatch/attempt-tokens.ts';
import { createDispatcher } from '../../src/dispatch/dispatcher.ts';
import { createEffects } from '../../src/dispatch/effects/effects.ts';
import type { LeaseKey } from '../../src/dispatch/lease.ts';
import { createMailWatch } from '../../src/dispatch/mail/mail-watch.ts';
import { createOutbox } from '../../src/dispatch/outbox.ts';
import { createRunnerRegistry } from '../../src/dispatch/runner-registry.ts';
import type { Session } from '../../src/dispatch/runner-sessions.ts';
import { createSweeper } from '../../src/dispatch/sweeper.ts';
import { toCheckRun, toEvidenceCheckRun, toLaterHeadCheckRun } from '../../src/domain/check-run-text.ts';
import { decide } from '../../src/domain/decide.ts';
import { BUILT_IN_LABELS } from '../../src/domain/labels.ts';
import { toPullRequest } from '../../src/domain/pull-request-text.ts';
import { toSettingsCheckRun } from '../../src/domain/settings-check-text.ts';
import { toStartCommitMessage } from '../../src/domain/start-commit-text.ts';
import { statusMarker, toStatusComment } from '../../src/domain/status-comment-text.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import type { Trigger } from '../../src/domain/trigger.ts';
import { createUuidV7 } from '../../src/lib/uuid-v7.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { openTestStore } from './embedded-store.ts';
import { createFakeClock } from './fake-clock.ts';
import { createGitHubRecorder } from './github-recorder.ts';
import { aRepository, aResult } from './job-builders.ts';
import { someRunnerFacts } from './runner-builders.ts';
import { createTestLogger } from './test-logger.ts';
import { aSeal } from './seal.ts';

/** Signs the messages in check runs. */
export const MAIL_KEY = { id: 'test-key', secret: new Uint8Array(32).fill(7) };

/** A runner as its own process would see itself. */
export type TestRunner = { id: Session['runnerId']; key: string; session: Session; sessionToken: string };
/** An attempt in the hands of a runner. */
export type Taken = RunnerResponse<'accept'> & { lease: LeaseKey };

/**
 * Everything of the coordinator between webhooks and the runner API, on a real store, with a clock that stands still. `before`: what another
 * one has left behind, which stays the owner of its store.
 */
export async function openDispatchWorld(
  before?: Pick<Awaited<ReturnType<typeof openOwnWorld>>, 'store' | 'clock' | 'recorder'>,
) {
  const { store, clock, recorder, opened } = before ? { ...before, opened: null } : await openOwnWorld();
  const { github } = recorder;
  const lines: Record<string, unknown>[] = [];
  // In the middle: jitter of ± 50 % comes to nothing.
  const random = { ...systemRandom, fraction: () => 0.5 };
  const newId = createUuidV7({ clock, random });
  const shared = { store, clock, random, newId, timings: DEFAULT_TIMINGS, log: createTestLogger(lines) };

  const tokens = createAttemptTokens({ ...shared, github, seal: aSeal() });
  const assigner = createAssigner(shared);
  const dispatcher = createDispatcher({
    ...shared,
    github,
    tokens,
    assigner,
    githubApiUrl: 'https://api.github.com',
  });
  const registry = createRunnerRegistry({ ...shared, coordinatorVersion: '0.0.0-test' });
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
  const toGitHub = { github, mailKey: MAIL_KEY, githubApiUrl: 'https://api.github.com' };
  const effects = createEffects({ ...shared, ...toGitHub, texts, tokens, labels: BUILT_IN_LABELS });
  const outbox = createOutbox({ ...shared, effects });
  const sweeper = createSweeper({ ...shared, assigner });
  const mailWatch = createMailWatch({
    ...shared,
    ...toGitHub,
    tokens,
    assigner,
    identity: github.identity,
    leaseSeconds: () => DEFAULT_TIMINGS.githubLeaseSeconds,
  });
  const acceptTrigger = createAcceptTrigger({
    ...shared,
    github,
    decide,
    lookAtCheckRun: (attemptId) => mailWatch.look(attemptId),
  });

  /** What an issue's label would bring about, up to the moment when the job can be offered. */
  async function label(trigger: Partial<Extract<Trigger, { kind: 'label_added' }>> = {}): Promise<JobId> {
    const issueNumber = trigger.issueNumber ?? 42;
    const name = trigger.label ?? 'agent:backend';
    const { snapshot } = recorder.issue;
    recorder.issue.snapshot = { ...snapshot, number: issueNumber, labels: [name] };
    const { title, body } = snapshot;
    await acceptTrigger(aLabelTrigger({ issue: { title, body }, ...trigger, issueNumber, label: name }));
    await outbox.runDue();
    const [job] = await store.jobs.ofIssue(aRepository().id, issueNumber, 1);
    if (!job) throw new Error('the label started nothing');
    return job.id;
  }

  async function enrol(facts: Partial<RunnerFacts> = {}): Promise<TestRunner> {
    const complete = someRunnerFacts(facts);
    const { token } = await registry.createEnrollToken({ specialties: null, expiresInSeconds: null });
    const { runnerId, key } = value(await registry.enroll({ token, facts: complete }, anIdempotency()));
    return openSession({ id: runnerId, key }, complete);
  }

  async function openSession({ id, key }: { id: TestRunner['id']; key: string }, facts = someRunnerFacts()) {
    const { sessionToken } = value(await registry.openSession({ runnerId: id, key, facts }));
    const session = value(await registry.authenticate(sessionToken, toProtocolHeader()));
    return { id, key, session, sessionToken };
  }

  function poll(
    { session }: TestRunner,
    request: Partial<PollRequest> = {},
    signal = new AbortController().signal,
  ) {
    return dispatcher.poll({
      session,
      signal,
      request: {
        waitSeconds: 0,
        freeSlots: 2,
        freeDiskBytes: 1e12,
        attempts: [],
        draining: false,
        ...request,
      },
    });
  }

  /** The one offer that the runner gets now. */
  async function offerFor(runner: TestRunner) {
    const [offer] = value(await poll(runner)).offers;
    if (!offer) throw new Error('nothing was offered');
    return offer;
  }

  async function take(runner: TestRunner): Promise<Taken> {
    const { attemptId, epoch } = await offerFor(runner);
    const { session } = runner;
    const taken = value(await dispatcher.accept({ session, attemptId, epoch, idempotency: anIdempotency() }));
    return { ...taken, lease: { session, attemptId, epoch, leaseToken: taken.leaseToken } };
  }

  /** Up to where the tests of the attempt are through and the work may be published. */
  async function takeAndFinish(runner: TestRunner): Promise<Taken> {
    const taken = await take(runner);
    value(await dispatcher.start(taken.lease, anIdempotency()));
    value(
      await dispatcher.token({
        lease: taken.lease,
        purpose: 'publish',
        headCommit: aResult().headCommit,
      }),
    );
    return taken;
  }

  async function jobOf(id: JobId) {
    const job = await store.jobs.get(id);
    const attempt = job?.attemptId == null ? null : await store.attempts.get(job.attemptId);
    if (!job || !attempt) throw new Error('there is no such job, or it has no attempt');
    return { job, attempt };
  }

  async function kindsOf(id: JobId): Promise<string[]> {
    return (await store.timeline.eventsOf(id)).map((event) => event.kind);
  }

  return {
    store,
    clock,
    recorder,
    lines,
    dispatcher,
    registry,
    assigner,
    outbox,
    sweeper,
    acceptTrigger,
    mailWatch,
    label,
    enrol,
    openSession,
    poll,
    offerFor,
    take,
    takeAndFinish,
    jobOf,
    kindsOf,
    async [Symbol.asyncDispose]() {
      await Promise.all([sweeper.stop(), outbox.stop()]);
      await opened?.[Symbol.asyncDispose]();
    },
  };
}

async function openOwnWorld() {
  const clock = createFakeClock();
  const opened = await openTestStore(clock);
  return { clock, opened, store: opened.store, recorder: createGitHubRecorder(clock) };
}

export function aLabelTrigger(
  overrides: Partial<Extract<Trigger, { kind: 'label_added' }>> = {},
): Extract<Trigger, { kind: 'label_added' }> {
  return {
    kind: 'label_added',
    key: randomUUID(),
    target: { installationId: 5, repository: aRepository() },
    issueNumber: 42,
    label: 'agent:backend',
    at: '2026-05-04T12:00:00Z',
    issue: { title: 'Totals are wrong for empty carts', body: 'An empty cart gives NaN.' },
    sender: { login: 'alice', id: 1, isBot: false },
    ...overrides,
  };
}

export function anIdempotency(overrides: Partial<Idempotency> = {}): Idempotency {
  return { key: randomUUID(), requestHash: 'the same', ...overrides };
}

/** What was answered; fails when the call was refused. */
export function value<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.message}`);
  return answer.value;
}
