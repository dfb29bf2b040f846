import type { RunnerId } from '../contract/job.ts';
import type { RunnerFacts, RunnerResponse } from '../contract/runner-api.ts';
import { isLeased } from '../domain/job-lifecycle.ts';
import type { RunnerView } from '../domain/job.ts';
import { type RunnerHealth } from '../domain/quarantine.ts';
import { BUDGETS, type Timings } from '../domain/timings.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { createSecret, hashSecret, matchesSecret } from '../lib/secret.ts';
import type { RunnerChange, StoredRunner } from '../store/runners.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { type Answer, accepted, refused } from './answer.ts';
import type { Idempotency } from './answer-once.ts';
import { closeCancelled, endAttempt, type EndDeps } from './end-attempt.ts';
import { withdrawOffer } from './withdraw-offer.ts';

/** A runner that has shown its session token. */
export type Session = {
  runnerId: RunnerId;
  /** Grows with every session of the runner: only the newest counts. */
  epoch: number;
};

/** Who may be a runner. */
export type RunnerRegistry = {
  /** A one-time token, good for at most `enrollTokenSeconds`. `specialties: null` = the runner may have any. */
  createEnrollToken(wanted: {
    specialties: string[] | null;
    expiresInSeconds: number | null;
  }): Promise<{ token: string; expiresAtMs: number }>;
  /**
   * Lets in a runner that never speaks to us: it proves itself by the App's own key, with which its messages in check runs are signed.
   * What it says of its machine replaces `capabilities` and `capacity` with its first claim.
   */
  enrollGitHubRunner(wanted: GitHubRunnerWish): Promise<{ runnerId: RunnerId }>;
  /** A repeat with the same token and idempotency key gets the same id and a new key; the former one ends, since its answer was lost. */
  enroll(
    request: { token: string; facts: RunnerFacts },
    idempotency: Idempotency,
  ): Promise<Answer<RunnerResponse<'enroll'>>>;
  /** The newest session supersedes the others. */
  openSession(request: {
    runnerId: RunnerId;
    key: string;
    facts: RunnerFacts;
  }): Promise<Answer<RunnerResponse<'session'>>>;
  /** Who has this key, without a session: one that is open goes on. */
  identify(claim: {
    runnerId: RunnerId;
    key: string;
  }): Promise<Answer<{ id: RunnerId; name: string; specialties: string[] }>>;
  /** Takes a second key beside the runner's own, until one of them is shown again. */
  rotateKey(request: {
    runnerId: RunnerId;
    key: string;
    newKey: string;
  }): Promise<Answer<RunnerResponse<'rotateKey'>>>;
  /** A second key that is shown becomes the runner's only one. `changed: false`: it was that already. */
  confirmKey(request: { runnerId: RunnerId; key: string }): Promise<Answer<{ changed: boolean }>>;
  /** Whose session token this is. */
  authenticate(sessionToken: string): Promise<Answer<Session>>;
  /** The runner leaves in order: it is offered nothing until its next session. */
  closeSession(session: Session): Promise<void>;

  list(): Promise<RunnerView[]>;
  /** For good: its key and session end at once, and what it has goes to others. False if there is no such runner. */
  revoke(runnerId: RunnerId): Promise<boolean>;
  /** It finishes what it has, and is told to leave. False if there is no such runner. */
  drain(runnerId: RunnerId): Promise<boolean>;
  /** Ends its quarantine: somebody has looked at the machine. False if there is no such runner. */
  release(runnerId: RunnerId): Promise<boolean>;
};

const SOUND: RunnerHealth = {
  failures: 0,
  failedJobs: [],
  quarantinedUntilMs: null,
  quarantineReason: null,
};

export type GitHubRunnerWish = Pick<RunnerFacts, 'name' | 'specialties' | 'capabilities' | 'capacity'>;

export function createRunnerRegistry(deps: {
  store: Store;
  newId: () => string;
  random: Random;
  timings: Timings;
  coordinatorVersion: string;
  log: Logger;
}): RunnerRegistry {
  const { store, newId, random, timings, log } = deps;

  return {
    async createEnrollToken(wanted) {
      const token = `ymt_${createSecret(random)}`;
      const seconds = Math.min(wanted.expiresInSeconds ?? Infinity, timings.enrollTokenSeconds);
      const expiresAtMs = await store.transact(async (tx) => {
        const untilMs = tx.nowMs + seconds * 1000;
        await tx.runners.insertEnrollToken({
          tokenHash: hashSecret(token),
          specialties: wanted.specialties,
          createdAtMs: tx.nowMs,
          expiresAtMs: untilMs,
          usedAtMs: null,
          runnerId: null,
        });
        return untilMs;
      });
      return { token, expiresAtMs };
    },

    async enrollGitHubRunner(wanted) {
      const runnerId = newId() as RunnerId;
      const facts = { ...wanted, hostname: 'unknown', version: 'unknown' };
      await store.transact(async (tx) => {
        const runner = newRunner({
          runnerId,
          // Nobody gets it: no session can be opened for this runner.
          key: createSecret(random),
          facts,
          allowed: wanted.specialties,
          nowMs: tx.nowMs,
        });
        await tx.runners.insert({ ...runner, transport: 'github' });
        tx.wake('queue');
      });
      log.info({ runnerId, runner: wanted.name }, 'A runner that only reaches GitHub was enrolled');
      return { runnerId };
    },

    async enroll({ token, facts }, idempotency) {
      const tokenHash = hashSecret(token);
      const key = `ymk_${createSecret(random)}`;
      const answer = await store.transact(
        async (tx): Promise<Answer<{ runnerId: RunnerId; key: string }>> => {
          const scope = `enroll ${tokenHash}`;
          const known = await tx.memory.getAnswer(scope, idempotency.key);
          const enrollToken = await tx.runners.getEnrollToken(tokenHash);
          if (known && enrollToken?.runnerId != null && known.requestHash === idempotency.requestHash) {
            await tx.runners.change(enrollToken.runnerId, { keyHash: hashSecret(key) });
            return accepted({ runnerId: enrollToken.runnerId, key });
          }
          if (!enrollToken || enrollToken.usedAtMs !== null || enrollToken.expiresAtMs <= tx.nowMs)
            return unknownEnrollToken();
          const allowed = judgeSpecialties(facts, enrollToken.specialties);
          if (!allowed.ok) return allowed;

          const runnerId = newId() as RunnerId;
          // Of two that come at once, also at two coordinators, one gets it.
          if (!(await tx.runners.useEnrollToken(tokenHash, runnerId, tx.nowMs))) return unknownEnrollToken();
          await tx.runners.insert(
            newRunner({ runnerId, key, facts, allowed: enrollToken.specialties, nowMs: tx.nowMs }),
          );
          await tx.memory.putAnswer(
            scope,
            idempotency.key,
            { requestHash: idempotency.requestHash, body: '{}' },
            tx.nowMs,
          );
          return accepted({ runnerId, key });
        },
      );
      if (answer.ok)
        log.info({ runnerId: answer.value.runnerId, runner: facts.name }, 'A runner was enrolled');
      return answer;
    },

    identify: ({ runnerId, key }) =>
      store.transact(async (tx) => {
        const known = await recognise(tx, runnerId, key);
        if (!known.ok) return known;
        const { name, specialties } = known.value.runner;
        return accepted({ id: runnerId, name, specialties });
      }),

    async openSession({ runnerId, key, facts }) {
      return store.transact(async (tx): Promise<Answer<RunnerResponse<'session'>>> => {
        const known = await recognise(tx, runnerId, key);
        if (!known.ok) return known;
        const { runner } = known.value;
        const allowed = judgeSpecialties(facts, runner.allowedSpecialties);
        if (!allowed.ok) return allowed;

        const isAlive = tx.nowMs - runner.lastSeenAtMs < timings.heartbeatSeconds * 1000;
        const isOpen = (runner.sessionExpiresAtMs ?? 0) > tx.nowMs;
        const tookOver = runner.sessionHash !== null && isOpen && isAlive;
        const epoch = runner.sessionEpoch + 1;
        const secret = createSecret(random);
        await tx.runners.setFacts(runnerId, facts);
        await tx.runners.change(runnerId, {
          sessionEpoch: epoch,
          sessionHash: hashSecret(secret),
          sessionExpiresAtMs: tx.nowMs + timings.sessionSeconds * 1000,
          lastSeenAtMs: tx.nowMs,
          ...(tookOver ? noteTakeover(runner, facts, tx.nowMs) : {}),
          // A runner that was told to leave and comes back has been started anew by its owner.
          drainRequested: false,
          draining: false,
          // Until its first poll says otherwise.
          accepting: true,
        });
        // A poll of the session before has to hear that it is superseded.
        tx.wake(`runner:${runnerId}`);
        return accepted({
          sessionToken: `${runnerId}.${epoch}.${secret}`,
          expiresInSeconds: timings.sessionSeconds,
          coordinatorVersion: deps.coordinatorVersion,
        });
      });
    },

    rotateKey: ({ runnerId, key, newKey }) =>
      store.transact(async (tx) => {
        const known = await recognise(tx, runnerId, key);
        if (!known.ok) return known;
        await tx.runners.change(runnerId, { nextKeyHash: hashSecret(newKey) });
        return accepted({});
      }),

    confirmKey: ({ runnerId, key }) =>
      store.transact(async (tx) => {
        const known = await recognise(tx, runnerId, key);
        return known.ok ? accepted({ changed: known.value.isNew }) : known;
      }),

    async authenticate(sessionToken) {
      const parts = /^([0-9a-f-]{36})\.(\d{1,15})\.([A-Za-z0-9_-]+)$/.exec(sessionToken);
      const [, runnerId = '', epoch = '', secret = ''] = parts ?? [];
      // The pattern was checked above; an id that nobody has is found out by the store.
      const runner = parts ? await store.runners.get(runnerId as RunnerId) : null;
      if (!runner) return unknownSession();
      if (runner.revokedAtMs !== null) return revoked();
      const session: Session = { runnerId: runner.id, epoch: Number(epoch) };
      const current = isCurrentSession(runner, session);
      if (!current.ok) return current;
      const isOver = (runner.sessionExpiresAtMs ?? 0) <= (await store.nowMs());
      if (isOver || !matchesSecret(secret, runner.sessionHash)) return unknownSession();
      return accepted(session);
    },

    async closeSession(session) {
      await store.transact(async (tx) => {
        const runner = await tx.runners.get(session.runnerId);
        if (!runner || runner.sessionEpoch !== session.epoch) return;
        await tx.runners.change(runner.id, { sessionHash: null, sessionExpiresAtMs: null });
      });
    },

    list: async () => store.runners.views(await store.nowMs(), timings.runnerGoneSeconds * 1000),

    revoke: (runnerId) =>
      store.transact(async (tx) => {
        const runner = await tx.runners.get(runnerId);
        if (!runner) return false;
        if (runner.revokedAtMs !== null) return true;
        await tx.runners.change(runnerId, { revokedAtMs: tx.nowMs, sessionHash: null });
        await takeBackAll(tx, runner, { newId, random, timings });
        tx.wake(`runner:${runnerId}`);
        log.warn({ runnerId, runner: runner.name }, 'A runner was revoked');
        return true;
      }),

    drain: (runnerId) =>
      store.transact(async (tx) => {
        const runner = await tx.runners.get(runnerId);
        if (!runner) return false;
        await tx.runners.change(runnerId, { drainRequested: true });
        tx.wake(`runner:${runnerId}`);
        return true;
      }),

    release: (runnerId) =>
      store.transact(async (tx) => {
        if (!(await tx.runners.get(runnerId))) return false;
        await tx.runners.change(runnerId, { ...SOUND, takeovers: 0 });
        tx.wake('queue');
        return true;
      }),
  };

  /** The runner whose key this is. The one that it was about to take becomes its only one, now that it has shown that it has it. */
  async function recognise(
    tx: StoreTx,
    runnerId: RunnerId,
    key: string,
  ): Promise<Answer<{ runner: StoredRunner; isNew: boolean }>> {
    const runner = await tx.runners.lock(runnerId);
    const isNew = matchesSecret(key, runner?.nextKeyHash ?? null);
    if (!runner || !(isNew || matchesSecret(key, runner.keyHash))) {
      return refused('unauthorized', 'This runner id and key are not known here. Enrol the runner anew.');
    }
    if (runner.revokedAtMs !== null) return revoked();
    if (isNew) {
      await tx.runners.change(runnerId, { keyHash: hashSecret(key), nextKeyHash: null });
      log.info({ runnerId, runner: runner.name }, 'A runner has a new key');
    }
    return accepted({ runner, isNew });
  }

  /** A restart after a crash looks the same as a second process; only when it goes on, it is two of them. */
  function noteTakeover(runner: StoredRunner, facts: RunnerFacts, nowMs: number): RunnerChange {
    const isRecent = nowMs - runner.takeoversSinceMs < timings.takeoverWindowSeconds * 1000;
    const takeovers = isRecent ? runner.takeovers + 1 : 1;
    const about = { runnerId: runner.id, runner: runner.name, hostname: facts.hostname, takeovers };
    const counted = { takeovers, takeoversSinceMs: isRecent ? runner.takeoversSinceMs : nowMs };
    if (takeovers < BUDGETS.sessionTakeovers) {
      log.warn(
        about,
        'A runner opened a session although its last one was heard of just now: restarted, or two processes under one identity',
      );
      return counted;
    }
    log.error(
      about,
      'Two processes share one runner’s identity, and take it from each other: it gets no work. Stop one of them, and enrol it under its own name',
    );
    return {
      ...counted,
      quarantinedUntilMs: nowMs + timings.sharedIdentitySeconds * 1000,
      quarantineReason: 'two processes share its identity; enrol one of them under its own name',
    };
  }
}

/** Whether the session is still the runner's newest, and the runner may be one at all. */
export function isCurrentSession(runner: StoredRunner, session: Session): Answer<null> {
  if (runner.revokedAtMs !== null) return revoked();
  if (session.epoch >= runner.sessionEpoch) return accepted(null);
  return refused(
    'superseded',
    'Another process has opened a newer session as this runner. Run one process for each runner; enrol a second one under its own name.',
  );
}

function unknownEnrollToken(): Answer<never> {
  return refused(
    'unauthorized',
    'This enrolment token is unknown, used or over. Make a new one with `yardmaster runner token`.',
  );
}

function unknownSession(): Answer<never> {
  return refused('unauthorized', 'The session is unknown or over. Open a new one with the runner key.');
}

function revoked(): Answer<never> {
  return refused('revoked', 'An operator has revoked this runner. It may not come back under this key.');
}

/** Whether the runner may have the specialties that it claims. */
export function judgeSpecialties(facts: RunnerFacts, allowed: readonly string[] | null): Answer<null> {
  const others = facts.specialties.filter((specialty) => allowed !== null && !allowed.includes(specialty));
  if (others.length === 0) return accepted(null);
  return refused(
    'policy_refused',
    `The runner may not have the specialties ${others.join(', ')}: it was enrolled for ${allowed?.join(', ')}. Take them out of runner.yml, or enrol it anew.`,
  );
}

function newRunner(runner: {
  runnerId: RunnerId;
  key: string;
  facts: RunnerFacts;
  allowed: string[] | null;
  nowMs: number;
}): StoredRunner {
  const { facts } = runner;
  return {
    id: runner.runnerId,
    name: facts.name,
    hostname: facts.hostname,
    specialties: facts.specialties,
    capabilities: facts.capabilities,
    capacity: facts.capacity,
    version: facts.version,
    keyHash: hashSecret(runner.key),
    nextKeyHash: null,
    allowedSpecialties: runner.allowed,
    sessionHash: null,
    sessionEpoch: 0,
    sessionExpiresAtMs: null,
    accepting: true,
    draining: false,
    drainRequested: false,
    freeDiskBytes: null,
    lastSeenAtMs: runner.nowMs,
    lastAssignedAtMs: 0,
    enrolledAtMs: runner.nowMs,
    revokedAtMs: null,
    takeovers: 0,
    takeoversSinceMs: 0,
    ...SOUND,
    transport: 'coordinator',
    silentUntilMs: null,
  };
}

/** A runner that may not come back: its attempts are lost to it, and its branch and tokens are fenced like those of any lost one. */
async function takeBackAll(
  tx: StoreTx,
  runner: StoredRunner,
  deps: EndDeps & { timings: Pick<Timings, 'avoidRunnerSeconds'> },
): Promise<void> {
  for (const { id } of await tx.jobs.heldBy(runner.id)) {
    const job = await tx.jobs.lock(id);
    const attempt = job?.attemptId == null ? null : await tx.attempts.get(job.attemptId);
    if (!job || !attempt || job.runnerId !== runner.id) continue;
    const reason = `The runner ${runner.name} was revoked.`;
    if (job.state === 'offered') {
      await withdrawOffer(tx, job, attempt, { event: 'declined', reason }, deps.timings);
    } else if (job.state === 'cancelling') {
      await closeCancelled(tx, job, attempt, { reason: job.stateReason ?? reason, result: null });
    } else if (isLeased(job.state)) {
      const end = {
        outcome: 'lost',
        retryable: true,
        reason,
        result: null,
        checkRunFinished: false,
      } as const;
      await endAttempt(tx, job, attempt, end, deps);
    }
  }
}
