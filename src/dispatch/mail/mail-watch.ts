import {
  MAX_MAIL_BYTES,
  OFFER_KIND,
  OfferMail,
  toMailContext,
  toOrderLine,
} from '../../contract/check-run-mail.ts';
import type { AttemptId } from '../../contract/identifiers.ts';
import { isLeased } from '../../domain/job-lifecycle.ts';
import { GitHubError } from '../../github/github-error.ts';
import type { CheckRunReading, GitHub } from '../../github/github.ts';
import { type MessageKey, readSignedBlock, signLine } from '../../lib/signed-message.ts';
import { toExternalId } from '../check-run-identity.ts';
import type { DispatchDeps } from '../dispatch-deps.ts';
import { lockAttempt } from '../lease.ts';
import { listen } from '../wake.ts';
import { createTakeReport } from './take-report.ts';
import { type MailCase, readMailCase, type Register, toRegister, toRegisterKey } from './to-register.ts';

/** What was wanted of the outbox is not wanted again before this, unless it is something else. */
const WANT_AGAIN_MS = 60_000;

/** Everything that the coordinator does for runners that only reach GitHub. */
export type MailWatch = {
  /** Reads the attempt's check run now, whatever was read before: GitHub told that it was completed. May throw `GitHubError`. */
  look(attemptId: AttemptId): Promise<void>;
  /** One round over all attempts of such runners: says what has to be said, and looks where a look is due. */
  round(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * GitHub tells only of check runs that are completed, so those that are offered or worked on are looked at now and then, by whichever
 * coordinator is first; a look at one that has not changed costs nothing of the request budget.
 */
export function createMailWatch(
  deps: DispatchDeps & { github: Pick<GitHub, 'readCheckRun' | 'identity'>; mailKey: MessageKey },
): MailWatch {
  const { store, github, clock, timings, log, mailKey } = deps;
  const takeReport = createTakeReport({
    ...deps,
    underWay: async () => (await store.mail.watched()).length,
  });
  const stopping = new AbortController();
  const wanted = new Map<AttemptId, { key: string; atMs: number }>();
  const looking = new Map<AttemptId, Promise<void>>();
  let loop: Promise<void> | null = null;

  async function round(): Promise<void> {
    const watched = await store.mail.watched();
    for (const id of wanted.keys()) if (!watched.includes(id)) wanted.delete(id);
    await Promise.all(
      watched.map((attemptId) =>
        attend(attemptId).catch((error: unknown) =>
          log.warn(
            { err: error, attemptId },
            'A check run could not be attended to; the next round tries again',
          ),
        ),
      ),
    );
  }

  async function attend(attemptId: AttemptId): Promise<void> {
    const register = await say(attemptId);
    if (register === null || register.kind === 'closed' || register.kind === 'none') return;
    const everySeconds =
      register.kind === 'offer' ? timings.githubOfferLookSeconds : timings.githubLookSeconds;
    if (!(await store.mail.takeLook(attemptId, everySeconds * 1000, await store.nowMs()))) return;
    await look(attemptId);
  }

  /** Has the outbox write what the store says, where that is not written yet. */
  async function say(attemptId: AttemptId): Promise<Register | null> {
    const found = await readMailCase(store, attemptId);
    if (!found) return null;
    const register = toRegister(found, timings);
    if (register.kind === 'closed') {
      if (found.mail?.open === true) await store.mail.change(attemptId, { open: false });
      return register;
    }
    const key = toRegisterKey(register);
    const before = wanted.get(attemptId);
    const isWanted = before?.key === key && clock.monotonicMs() - before.atMs < WANT_AGAIN_MS;
    if (found.mail?.sent === key || isWanted) return register;
    wanted.set(attemptId, { key, atMs: clock.monotonicMs() });
    await store.transact(async (tx) => {
      await tx.mail.open(attemptId);
      await tx.want({
        effect: { kind: 'check-run-mail', attemptId },
        installationId: found.job.installationId,
      });
    });
    return register;
  }

  /** One look at a time for each attempt: the sweep and GitHub's webhook often come together. */
  function look(attemptId: AttemptId): Promise<void> {
    const before = looking.get(attemptId) ?? Promise.resolve();
    // A look that failed was reported to who asked for it.
    const next = before.catch(() => undefined).then(() => lookNow(attemptId));
    looking.set(attemptId, next);
    return next.finally(() => {
      if (looking.get(attemptId) === next) looking.delete(attemptId);
    });
  }

  async function lookNow(attemptId: AttemptId): Promise<void> {
    const found = await readMailCase(store, attemptId);
    if (!found || found.mail?.open !== true || found.attempt.checkRun === null) return;
    const { job, attempt, mail } = found;
    const target = { installationId: job.installationId, repository: job.repository };
    let reading: CheckRunReading | null;
    try {
      reading = await github.readCheckRun(target, attempt.checkRun?.id ?? 0, mail.etag);
    } catch (error) {
      if (error instanceof GitHubError && (error.kind === 'unavailable' || error.kind === 'rate_limited')) {
        await spareLease(attemptId);
      }
      throw error;
    }
    if (reading === null) return;
    const { appId } = await github.identity();
    if (reading.appId !== appId) {
      log.warn({ attemptId, appId: reading.appId }, 'The check run of an attempt belongs to another App');
      return;
    }
    await takeReport(found, reading);
    await noticeLoss(attemptId, reading);
    await store.mail.change(attemptId, { etag: reading.etag });
    await say(attemptId);
  }

  /** The runner may well keep its lease alive where we can't see it, so no lease is judged that could not be looked at. */
  async function spareLease(attemptId: AttemptId): Promise<void> {
    await store.transact(async (tx) => {
      const held = await lockAttempt(tx, attemptId);
      const untilMs = tx.nowMs + timings.returnSeconds * 1000;
      if (!held || !isLeased(held.job.state) || (held.job.deadlineAtMs ?? 0) >= untilMs) return;
      await tx.jobs.change(held.job.id, { deadlineAtMs: untilMs }, tx.nowMs);
    });
  }

  /** Somebody who came late may have written over what we said: then it is said again. */
  async function noticeLoss(attemptId: AttemptId, reading: CheckRunReading): Promise<void> {
    const found = await readMailCase(store, attemptId);
    if (!found?.mail?.open) return;
    const register = toRegister(found, timings);
    if (found.mail.sent !== toRegisterKey(register) || stillSays(found, register, reading)) return;
    log.info({ attemptId, register: register.kind }, 'What we said in a check run is not there any more');
    wanted.delete(attemptId);
    await store.mail.change(attemptId, { sent: null });
  }

  function stillSays({ job, attempt }: MailCase, register: Register, reading: CheckRunReading): boolean {
    const checkRunId = attempt.checkRun?.id ?? 0;
    const context = toMailContext({ repositoryId: job.repository.id, checkRunId });
    if (register.kind === 'order') {
      const line = signLine(toOrderLine(register.order), context, mailKey);
      return reading.externalId === `${toExternalId(attempt)}:${line}`;
    }
    if (register.kind !== 'offer') return true;
    const block = readSignedBlock(
      reading.text,
      { kind: OFFER_KIND, context, maxBytes: MAX_MAIL_BYTES },
      mailKey,
    );
    const offer = OfferMail.safeParse(block.ok ? block.value : null);
    return offer.success && offer.data.epoch === register.epoch;
  }

  async function runUntilStopped(): Promise<void> {
    const waiter = listen({ store, clock }, ['queue']);
    const unsubscribe = store.subscribe((topic) => {
      if (topic.startsWith('runner:')) waiter.poke();
    });
    while (!stopping.signal.aborted) {
      try {
        await round();
      } catch (error) {
        log.error(
          { err: error },
          'The check runs of runners that only reach GitHub could not be gone through',
        );
      }
      await waiter.next((timings.githubOfferLookSeconds * 1000) / 2, stopping.signal);
    }
    unsubscribe();
    waiter.stop();
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await loop;
  }

  return {
    look,
    round,
    start() {
      loop ??= runUntilStopped();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
