import { BUDGETS, type Timings } from '../domain/timings.ts';
import { GitHubError } from '../github/github-error.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { backoffMs } from '../lib/retry.ts';
import { toError } from '../lib/to-error.ts';
import { tryUntil } from '../lib/try-until.ts';
import type { Store } from '../store/store.ts';
import type { ClaimedEffect } from '../store/tasks.ts';
import type { Effects } from './effects/effects.ts';
import { ClaimLapsed } from './effects/while-claimed.ts';
import { listen } from './wake.ts';

/** Effects carried out at once, each for another installation. */
const CONCURRENCY = 8;
/** Part of a claim in which calls of GitHub are begun; the rest is for those under way. */
const USABLE_CLAIM = 0.8;
/** Between two tries to tell a store that is away what has become of an effect. */
const SETTLE_AGAIN_MS = 500;
/** When GitHub limits us without saying for how long. */
const DEFAULT_PAUSE_MS = 60_000;

/** Makes true on GitHub what the store says should be: for each installation one thing after the other, the most urgent first. */
export type Outbox = {
  start(): void;
  /** What is under way is finished. */
  stop(): Promise<void>;
  /** Carries out all that is due, and what becomes due by it; for tests, and before a planned stop. */
  runDue(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export function createOutbox(deps: {
  store: Store;
  effects: Effects;
  clock: Clock;
  random: Random;
  timings: Timings;
  log: Logger;
}): Outbox {
  const { store, effects, clock, timings, log } = deps;
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  const usableMs = timings.taskLeaseSeconds * 1000 * USABLE_CLAIM;
  let loop: Promise<void> | null = null;
  let onFinished = (): void => undefined;

  /** Begins all that is due and may run beside what is running. True when nothing is due at all: none was running that others may have waited for. */
  async function begin(): Promise<boolean> {
    while (running.size < CONCURRENCY && !stopping.signal.aborted) {
      const isIdle = running.size === 0;
      const sinceMs = { monotonic: clock.monotonicMs(), wall: clock.nowMs() };
      const claim = await store.effects.claim(await store.nowMs(), timings.taskLeaseSeconds * 1000);
      // Meanwhile the loop may have claimed what we looked for.
      if (!claim) return isIdle && running.size === 0;
      // A machine that sleeps stops one of the clocks, and the other can be set.
      const isOver = (): boolean =>
        Math.max(clock.monotonicMs() - sinceMs.monotonic, clock.nowMs() - sinceMs.wall) >= usableMs;
      const work = carryOut(claim, isOver).finally(() => {
        running.delete(work);
        onFinished();
      });
      running.add(work);
    }
    return stopping.signal.aborted && running.size === 0;
  }

  /** Never rejects: what goes wrong is settled as soon as the store is there or, if that takes too long, found again when the claim lapses. */
  async function carryOut(claim: ClaimedEffect, isOver: () => boolean): Promise<void> {
    const facts = { effect: claim.effect, installationId: claim.installationId, attempt: claim.attempt };
    try {
      const failure = await attempt(claim, isOver);
      const settle = async (): Promise<void> => {
        if (failure) await settleFailure(claim, failure);
        else await store.effects.finish(claim, await store.nowMs());
      };
      const { signal } = stopping;
      await tryUntil(settle, { clock, waitMs: SETTLE_AGAIN_MS, isOver, signal });
    } catch (error) {
      log.error({ err: error, ...facts }, 'A side effect could not be settled; it is taken up again later');
    }
  }

  async function attempt(claim: ClaimedEffect, isOver: () => boolean): Promise<Error | null> {
    try {
      await effects.carryOut(claim.effect, {
        installationId: claim.installationId,
        // Also after a wait that GitHub asked for, which is no try: something may have been created before it.
        isRepeat: claim.fence > 1,
        makeSureOfClaim: () => makeSure(claim, isOver),
      });
      return null;
    } catch (thrown) {
      return toError(thrown);
    }
  }

  /** Throws `ClaimLapsed` when the effect is or may be somebody else's: whoever loses sight of us takes it before its time. */
  async function makeSure(claim: ClaimedEffect, isOver: () => boolean): Promise<void> {
    const isHeld = await store.effects.holds(claim).catch((error: unknown) => {
      throw new ClaimLapsed({ cause: error });
    });
    if (!isHeld || isOver()) throw new ClaimLapsed();
  }

  async function settleFailure(claim: ClaimedEffect, error: Error): Promise<void> {
    const nowMs = await store.nowMs();
    const verdict = judge(claim, error);
    const facts = { err: error, effect: claim.effect, attempt: claim.attempt, ...verdict };
    switch (verdict.kind) {
      case 'pause':
        log.warn(facts, 'GitHub limits this installation; its side effects wait');
        await store.effects.pauseInstallation(claim.installationId, nowMs + verdict.waitMs, error.message);
        await store.effects.retry(
          claim,
          { error: error.message, runAtMs: nowMs + verdict.waitMs, countsAsTry: false },
          nowMs,
        );
        return;
      case 'retry':
        log.warn(facts, 'A side effect failed; it is tried again');
        await store.effects.retry(
          claim,
          { error: error.message, runAtMs: nowMs + verdict.waitMs, countsAsTry: true },
          nowMs,
        );
        return;
      case 'give_up':
        log.error(facts, 'A side effect was given up');
        await effects.giveUp(claim.effect, error);
        await store.effects.bury(claim, error.message, nowMs);
        return;
      default:
        verdict satisfies never;
    }
  }

  function judge(claim: ClaimedEffect, error: Error): Verdict {
    const waitMs = Math.max(
      (timings.effectRetryBaseSeconds * 1000) / 2,
      backoffMs({
        attempt: claim.attempt,
        baseMs: timings.effectRetryBaseSeconds * 1000,
        maxMs: timings.effectRetryMaxSeconds * 1000,
        random: () => deps.random.fraction(),
      }),
    );
    if (error instanceof ClaimLapsed) return { kind: 'retry', waitMs };
    if (!(error instanceof GitHubError)) {
      return claim.attempt < BUDGETS.effectTries ? { kind: 'retry', waitMs } : { kind: 'give_up' };
    }
    switch (error.kind) {
      case 'rate_limited':
        return { kind: 'pause', waitMs: error.retryAfterMs ?? DEFAULT_PAUSE_MS };
      // However long GitHub is away: what should be true there stays wanted.
      case 'unavailable':
        return { kind: 'retry', waitMs: Math.max(waitMs, error.retryAfterMs ?? 0) };
      case 'gone':
      case 'forbidden':
      case 'conflict':
      case 'invalid':
        return { kind: 'give_up' };
      default:
        return error.kind satisfies never;
    }
  }

  async function runUntilStopped(): Promise<void> {
    const waiter = listen({ store, clock }, ['outbox']);
    // A finished effect frees its installation for the next one.
    onFinished = () => waiter.poke();
    while (!stopping.signal.aborted) {
      await waiter.next(await beginAndTellWait(), stopping.signal);
    }
    onFinished = () => undefined;
    waiter.stop();
    await Promise.all(running);
  }

  /** How long there is nothing to do unless somebody wakes us. */
  async function beginAndTellWait(): Promise<number> {
    const longestMs = timings.sweepSeconds * 1000;
    try {
      await begin();
      const dueMs = await store.effects.nextDueMs();
      const waitMs = dueMs === null ? longestMs : dueMs - (await store.nowMs());
      // What is due already waits for one that is running, whose end wakes us.
      return waitMs <= 0 ? longestMs : Math.min(waitMs, longestMs);
    } catch (error) {
      log.error({ err: error }, 'The outbox could not read the store; it tries again');
      return longestMs;
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await loop;
    await Promise.all(running);
  }

  return {
    start() {
      loop ??= runUntilStopped();
    },
    stop,
    async runDue() {
      for (;;) {
        if (await begin()) return;
        if (running.size > 0) await Promise.race(running);
      }
    },
    [Symbol.asyncDispose]: stop,
  };
}

type Verdict =
  | { kind: 'pause'; waitMs: number }
  | { kind: 'retry'; waitMs: number }
  /** A repeat would be refused again: a person has to act, or the thing is gone. */
  | { kind: 'give_up' };
