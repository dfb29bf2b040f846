import type { RunnerId } from '../contract/identifiers.ts';
import type { RunnerFacts, RunnerResponse } from '../contract/runner-api.ts';
import { isLeased } from '../domain/job-lifecycle.ts';
import type { RunnerView } from '../domain/job.ts';
import type { Timings } from '../domain/timings.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { createSecret, hashSecret } from '../lib/secret.ts';
import type { StoredRunner } from '../store/runners.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { type Answer, accepted, refused } from './answer.ts';
import type { Idempotency } from './answer-once.ts';
import { closeCancelled, endAttempt, type EndDeps } from './end-attempt.ts';
import { newGitHubRunner, newRunner, SOUND } from './new-runner.ts';
import { createRunnerSessions, judgeSpecialties, type RunnerSessions } from './runner-sessions.ts';
import { withdrawOffer } from './withdraw-offer.ts';

/** Who may be a runner. */
export type RunnerRegistry = RunnerSessions & {
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

  list(): Promise<RunnerView[]>;
  /** For good: its key and session end at once, and what it has goes to others. False if there is no such runner. */
  revoke(runnerId: RunnerId): Promise<boolean>;
  /** It finishes what it has, and is told to leave. False if there is no such runner. */
  drain(runnerId: RunnerId): Promise<boolean>;
  /** Ends its quarantine: somebody has looked at the machine. False if there is no such runner. */
  release(runnerId: RunnerId): Promise<boolean>;
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
    ...createRunnerSessions(deps),

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
        const secret = createSecret(random);
        await tx.runners.insert(newGitHubRunner({ runnerId, secret, facts, nowMs: tx.nowMs }));
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
}

function unknownEnrollToken(): Answer<never> {
  return refused(
    'unauthorized',
    'This enrolment token is unknown, used or over. Make a new one with `yardmaster runner token`.',
  );
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
