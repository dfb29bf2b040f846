import type { RunnerId } from '../contract/identifiers.ts';
import type { RunnerFacts, RunnerResponse } from '../contract/runner-api.ts';
import { BUDGETS, type Timings } from '../domain/timings.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { createSecret, hashSecret, matchesSecret } from '../lib/secret.ts';
import type { RunnerChange, StoredRunner } from '../store/runners.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { type Answer, accepted, refused } from './answer.ts';

/** A runner that has shown its session token. */
export type Session = {
  runnerId: RunnerId;
  /** Grows with every session of the runner: only the newest counts. */
  epoch: number;
};

/** How an enrolled runner shows that it is itself: by its key, and by the token of a session that it opened with it. */
export type RunnerSessions = {
  /**
   * The newest session supersedes the others. A process that opens one after the other does not take over from itself; one that does not
   * say which it is counts as another each time.
   */
  openSession(request: {
    runnerId: RunnerId;
    key: string;
    facts: RunnerFacts;
    processId?: string | undefined;
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
  /** Whose session token this is. `protocol`: the version of the runner API that it comes with, which is kept. */
  authenticate(sessionToken: string, protocol?: string): Promise<Answer<Session>>;
  /** The runner leaves in order: it is offered nothing until its next session. */
  closeSession(session: Session): Promise<void>;
};

export function createRunnerSessions(deps: {
  store: Store;
  random: Random;
  timings: Timings;
  coordinatorVersion: string;
  log: Logger;
}): RunnerSessions {
  const { store, random, timings, log } = deps;

  return {
    identify: ({ runnerId, key }) =>
      store.transact(async (tx) => {
        const known = await recognise(tx, runnerId, key);
        if (!known.ok) return known;
        const { name, specialties } = known.value.runner;
        return accepted({ id: runnerId, name, specialties });
      }),

    async openSession({ runnerId, key, facts, processId }) {
      return store.transact(async (tx): Promise<Answer<RunnerResponse<'session'>>> => {
        const known = await recognise(tx, runnerId, key);
        if (!known.ok) return known;
        const { runner } = known.value;
        const allowed = judgeSpecialties(facts, runner.allowedSpecialties);
        if (!allowed.ok) return allowed;

        const isAlive = tx.nowMs - runner.lastSeenAtMs < timings.heartbeatSeconds * 1000;
        const isOpen = (runner.sessionExpiresAtMs ?? 0) > tx.nowMs;
        const epoch = runner.sessionEpoch + 1;
        const isSameProcess =
          processId !== undefined &&
          (await tx.memory.getAnswer(openedBy(runnerId), `${epoch - 1} ${processId}`)) !== null;
        const tookOver = runner.sessionHash !== null && isOpen && isAlive && !isSameProcess;
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
        if (processId !== undefined) {
          const opened = { requestHash: '', body: '{}' };
          await tx.memory.putAnswer(openedBy(runnerId), `${epoch} ${processId}`, opened, tx.nowMs);
        }
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

    async authenticate(sessionToken, protocol) {
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
      if (protocol !== undefined && protocol !== runner.protocol)
        await store.runners.change(runner.id, { protocol });
      return accepted(session);
    },

    async closeSession(session) {
      await store.transact(async (tx) => {
        const runner = await tx.runners.get(session.runnerId);
        if (!runner || runner.sessionEpoch !== session.epoch) return;
        await tx.runners.change(runner.id, { sessionHash: null, sessionExpiresAtMs: null });
      });
    },
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

/** Under which it is kept which process opened a session. The token is not: it is made anew for each. */
function openedBy(runnerId: RunnerId): string {
  return `session ${runnerId}`;
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
