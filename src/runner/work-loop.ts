import type { Offer, PollRequest, PollResponse } from '../contract/runner-api.ts';
import { MAX_POLL_SECONDS } from '../contract/runner-api.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { backoffMs } from '../lib/retry.ts';
import type { AttemptStop } from './attempt-stop.ts';
import type { AttemptEnd, RunningAttempt } from './run-attempt.ts';
import type { Claim, Transport } from './transport/transport.ts';
import { TransportError, type TransportErrorKind, transportErrorKind } from './transport/transport-error.ts';

/** Enough for a clone and what it installs; below it nothing is begun. */
export const MIN_FREE_DISK_BYTES = 1024 ** 3;
const LEAST_POLL_MS = 1000;
const RETRY = { baseMs: 1000, maxMs: 60_000 };

/** Why a runner may not go on under its identity at all. */
export type FatalKind = Extract<
  TransportErrorKind,
  'superseded' | 'revoked' | 'protocol_unsupported' | 'misconfigured'
>;

/** Why the loop ended: in order, or for good. */
export type LoopEnd =
  /** With how the last attempt ended; `null` when there was none. */
  { kind: 'drained'; last: AttemptEnd | null } | { kind: 'fatal'; cause: FatalKind; message: string };

export type WorkLoopOptions = {
  transport: Pick<Transport, 'poll' | 'accept' | 'decline'>;
  startAttempt: (claim: Claim) => RunningAttempt;
  /** How many attempts at once; may change, see `reconsider`. */
  capacity: () => number;
  /** Whether nothing new may be taken for now; see `reconsider`. */
  isPaused?: () => boolean;
  /** What can be given up for it, has been. */
  freeDiskBytes: () => Promise<number>;
  minFreeDiskBytes?: number;
  /** Take one job, and leave when it is over, or when none has come for `idleMs` (`null`: wait for ever). */
  once?: { idleMs: number | null } | undefined;
  clock: Clock;
  random: Random;
  log: Logger;
};

export type WorkLoop = {
  /** Polls, takes offers and lets them run, until it was drained and nothing runs any more, or the runner may not go on. */
  run(): Promise<LoopEnd>;
  /** Takes nothing more; what runs is finished. */
  drain(): void;
  /** Stops everything that runs, and drains. */
  stopAll(why: AttemptStop): void;
  /** What a poll says of this runner has changed: the one under way is cut short, so that the far side hears of it at once. */
  reconsider(): void;
  attempts(): RunningAttempt[];
  isDraining(): boolean;
};

/**
 * One poll at a time tells the coordinator what is free here and brings offers and cancels. A poll that promised no free slot is cut
 * short as soon as one is free; one that promised slots is not, lest an offer on its way be lost.
 */
export function createWorkLoop(options: WorkLoopOptions): WorkLoop {
  const { transport, clock, log, random } = options;
  const { isPaused = () => false } = options;
  const minFreeDiskBytes = options.minFreeDiskBytes ?? MIN_FREE_DISK_BYTES;
  const attempts = new Map<string, RunningAttempt>();
  /** Offers that are being accepted or declined; the coordinator may repeat an offer until it knows. */
  const claims = new Map<string, Promise<void>>();
  /** The coordinator repeats a cancel, too, until it knows. */
  const cancelled = new Set<string>();
  const fatal = Promise.withResolvers<LoopEnd>();
  const over = new AbortController();
  let draining = false;
  let last: AttemptEnd | null = null;
  /** Grows with every change of what a poll says about us. */
  let changes = 0;
  /** The poll or pause under way. */
  let waiting: { controller: AbortController; promisedSlots: boolean } | null = null;

  return {
    run: async () => {
      void leaveWhenIdle();
      const end = await Promise.race([pollUntilDrained(), fatal.promise]);
      over.abort();
      if (end.kind === 'fatal') {
        for (const attempt of attempts.values()) attempt.stop({ kind: 'lost', reason: end.message });
      }
      await Promise.all(claims.values());
      await Promise.all([...attempts.values()].map(({ ended }) => ended));
      return end;
    },
    drain,
    stopAll: (why) => {
      drain();
      for (const attempt of attempts.values()) attempt.stop(why);
    },
    reconsider,
    attempts: () => [...attempts.values()],
    isDraining: () => draining,
  };

  /** For a runner that takes one job: it does not wait for that for ever. */
  async function leaveWhenIdle(): Promise<void> {
    const idleMs = options.once?.idleMs ?? null;
    if (idleMs === null) return;
    // Cut short when the loop ends, which is the ordinary case.
    await clock.sleep(idleMs, over.signal).catch(() => undefined);
    if (over.signal.aborted || attempts.size + claims.size > 0) return;
    log.info({}, 'No job came in time');
    drain();
  }

  async function pollUntilDrained(): Promise<LoopEnd> {
    for (let failures = 0; ;) {
      if (draining && attempts.size === 0 && claims.size === 0) {
        await sayGoodbye();
        return { kind: 'drained', last };
      }
      try {
        const sentMs = clock.monotonicMs();
        const answer = await pollOnce(MAX_POLL_SECONDS);
        failures = 0;
        const isNews = answer === null || obey(answer);
        // An answer at once that says nothing new (a drain that goes on, an offer that is being accepted): don't spin.
        if (!isNews && clock.monotonicMs() - sentMs < LEAST_POLL_MS) await pause(LEAST_POLL_MS);
      } catch (error) {
        failures += 1;
        if (!giveUp(error)) {
          log.error({ err: error }, 'The coordinator refused a poll');
          const waitMs = backoffMs({ attempt: failures, ...RETRY, random: random.fraction });
          await pause(waitMs);
        }
      }
      if (over.signal.aborted) return await fatal.promise;
    }
  }

  /** `null`: it was cut short, since what it said about us was no longer true. */
  async function pollOnce(waitSeconds: number): Promise<PollResponse | null> {
    const changesBefore = changes;
    const request = await describeSelf(waitSeconds);
    const controller = new AbortController();
    if (changes !== changesBefore) return null;
    waiting = { controller, promisedSlots: request.freeSlots > 0 };
    try {
      return await transport.poll(request, AbortSignal.any([controller.signal, over.signal]));
    } catch (error) {
      if (controller.signal.aborted || over.signal.aborted) return null;
      throw error;
    } finally {
      waiting = null;
    }
  }

  /** So that the coordinator knows at once, and an offer that was on its way is given back instead of lapsing. */
  async function sayGoodbye(): Promise<void> {
    try {
      const answer = await transport.poll(await describeSelf(0), AbortSignal.timeout(5000));
      await Promise.all(answer.offers.map((offer) => decline(offer, 'draining')));
    } catch (error) {
      log.warn({ err: error }, 'The coordinator was not told that this runner leaves');
    }
  }

  async function describeSelf(waitSeconds: number): Promise<PollRequest> {
    const freeDiskBytes = await options.freeDiskBytes();
    const hasRoom = !draining && !isPaused() && freeDiskBytes >= minFreeDiskBytes;
    return {
      waitSeconds,
      freeSlots: hasRoom ? freeSlots() : 0,
      freeDiskBytes,
      attempts: [...attempts.values()].map(({ attemptId }) => attemptId),
      draining,
    };
  }

  function freeSlots(): number {
    const capacity = options.once === undefined ? options.capacity() : 1;
    return Math.max(0, capacity - attempts.size - claims.size);
  }

  /** True when the answer said something new. */
  function obey(answer: PollResponse): boolean {
    let isNews = answer.drain && !draining;
    for (const { attemptId, reason } of answer.cancels) {
      const attempt = attempts.get(attemptId);
      if (attempt === undefined || cancelled.has(attemptId)) continue;
      cancelled.add(attemptId);
      attempt.stop({ kind: 'cancelled', reason });
      isNews = true;
    }
    if (answer.drain && !draining) {
      log.info({}, 'An operator asked this runner to finish what it has and leave');
      drain();
    }
    for (const offer of answer.offers) {
      if (attempts.has(offer.attemptId) || claims.has(offer.attemptId)) continue;
      consider(offer);
      isNews = true;
    }
    return isNews;
  }

  function consider(offer: Offer): void {
    const { attemptId } = offer;
    const settled = answer(offer).finally(() => {
      claims.delete(attemptId);
      refresh();
    });
    claims.set(attemptId, settled);
  }

  /** Never rejects. */
  async function answer(offer: Offer): Promise<void> {
    if (draining) return await decline(offer, 'draining');
    if (isPaused()) return await decline(offer, 'no_capacity', 'it is paused');
    if (freeSlots() === 0) return await decline(offer, 'no_capacity');
    return await accept(offer);
  }

  /** Never rejects. */
  async function accept(offer: Offer): Promise<void> {
    try {
      if ((await options.freeDiskBytes()) < minFreeDiskBytes) {
        await decline(offer, 'disk_full');
        return;
      }
      const claim = await transport.accept(offer, over.signal);
      const attempt = options.startAttempt(claim);
      attempts.set(attempt.attemptId, attempt);
      void forgetOnceEnded(attempt);
    } catch (error) {
      if (over.signal.aborted || giveUp(error)) return;
      log.warn({ err: error, attempt: offer.attemptId }, 'An offer could not be taken');
    }
  }

  async function forgetOnceEnded({ attemptId, ended }: RunningAttempt): Promise<void> {
    last = await ended;
    attempts.delete(attemptId);
    cancelled.delete(attemptId);
    // What was given back was not begun, and so is not the one job.
    if (options.once !== undefined && last.kind !== 'given_back') drain();
    refresh();
  }

  /** Never rejects: an offer that can't be given back lapses by itself. */
  async function decline(
    offer: Offer,
    reason: 'draining' | 'no_capacity' | 'disk_full',
    detail = '',
  ): Promise<void> {
    log.info({ attempt: offer.attemptId, reason, detail }, 'An offer is given back');
    const limit = AbortSignal.any([over.signal, AbortSignal.timeout(offer.acceptWithinSeconds * 1000)]);
    await transport
      .decline(offer, reason, detail, limit)
      .catch((error: unknown) => log.warn({ err: error }, 'An offer could not be given back'));
  }

  /** True when there is no going on; the loop then ends. */
  function giveUp(error: unknown): boolean {
    const cause = transportErrorKind(error);
    if (!isFatal(cause)) return false;
    const message = error instanceof TransportError ? error.message : '';
    fatal.resolve({ kind: 'fatal', cause, message });
    over.abort();
    return true;
  }

  function drain(): void {
    if (draining) return;
    draining = true;
    reconsider();
  }

  function reconsider(): void {
    changes += 1;
    waiting?.controller.abort();
  }

  async function pause(ms: number): Promise<void> {
    const controller = new AbortController();
    waiting = { controller, promisedSlots: false };
    // Woken when something changed or the loop ends, which it looks at next.
    await clock.sleep(ms, AbortSignal.any([controller.signal, over.signal])).catch(() => undefined);
    waiting = null;
  }

  /** After something ended: what the poll under way says about us may be out of date. */
  function refresh(): void {
    changes += 1;
    if (waiting !== null && (draining || !waiting.promisedSlots)) waiting.controller.abort();
  }
}

/** Whether a runner may not go on after it. */
export function isFatal(kind: TransportErrorKind | null): kind is FatalKind {
  return (
    kind === 'superseded' || kind === 'revoked' || kind === 'protocol_unsupported' || kind === 'misconfigured'
  );
}
