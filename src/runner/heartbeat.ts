import type { HeartbeatResponse, RunnerRequest } from '../contract/runner-api.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { backoffMs } from '../lib/retry.ts';
import { AttemptStopped, type AttemptStop } from './attempt-stop.ts';
import type { AttemptChannel, Claim } from './transport/transport.ts';
import { transportErrorKind } from './transport/transport-error.ts';

/** A wall clock that ran so much more (or less) than the monotonic one means that the machine slept, or that somebody set it. */
const MAX_CLOCK_SKEW_MS = 5000;
/** How often the clocks are compared. */
const LOOK_AT_CLOCKS_MS = 1000;
/** A look at the clocks that comes so late means that this process was stopped. */
const MAX_PAUSE_MS = LOOK_AT_CLOCKS_MS + 5000;
const RETRY_BASE_MS = 1000;
const LAPSED: AttemptStop = {
  kind: 'lapsed',
  reason: 'The coordinator could not be reached for so long that the lease may be over.',
};

export type HeartbeatOptions = {
  channel: Pick<AttemptChannel, 'heartbeat'>;
  claim: Pick<Claim, 'leaseSeconds' | 'heartbeatSeconds' | 'sentAtMs'>;
  /** Taken off the lease for our own deadline; never more than half of it. */
  leaseSafetySeconds: number;
  /** What each heartbeat says. */
  news: () => RunnerRequest<'heartbeat'>;
  clock: Clock;
  random: Random;
  log: Logger;
  /** The attempt has to end; called once at the most. */
  onStop(stop: AttemptStop): void;
  /** An operator wants this runner to finish what it has and leave. */
  onDrain(): void;
  /** After each answered heartbeat. */
  onBeat(): void;
};

/** Keeps an attempt's lease alive, and ends the attempt when that fails. */
export type Heartbeat = {
  /**
   * Watches our own deadline, and from the first answered heartbeat on sends the next ones. Resolves when `signal` aborts; to be
   * started before anything else.
   */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when a heartbeat has been answered: nothing starts before that. Rejects when the signal aborts. */
  first(signal: AbortSignal): Promise<void>;
  /** Something that a heartbeat carries has changed: the next one goes out now. */
  hurry(): void;
  /**
   * For right before anything is published: after a sleep of the machine (or SIGSTOP), resolves only once a heartbeat has been answered.
   * Rejects when the deadline has passed, which ends the attempt, and with the signal's
   * reason when that aborts.
   */
  confirm(signal: AbortSignal): Promise<void>;
};

/**
 * Our own deadline is the monotonic time *before* the last answered heartbeat was sent, plus the lease, minus the safety: so it lies
 * before the coordinator's, however long an answer took.
 */
export function createHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { channel, claim, clock, log } = options;
  let heartbeatMs = claim.heartbeatSeconds * 1000;
  let deadlineMs = claim.sentAtMs + toUsableMs(claim.leaseSeconds);
  let renewed: { monotonicMs: number; wallMs: number } | null = null;
  /** Until a heartbeat has been answered nothing is published: at the start, and after the clocks have jumped. */
  let isFrozen = true;
  let lookedAtMs = clock.monotonicMs();
  let stopped = false;
  const firstBeat = Promise.withResolvers<void>();
  let pause = new AbortController();
  /** Cuts the watch's sleep, since a renewed lease may well be shorter than the one before. */
  let deadlineMoved = new AbortController();

  return {
    run: async (signal) => {
      await Promise.all([watchDeadline(signal), keepBeating(signal), watchClocks(signal)]);
    },
    first: (signal) => {
      const abort = (): void => firstBeat.reject(signal.reason as Error);
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort, { once: true });
      return firstBeat.promise;
    },
    hurry: () => pause.abort(),
    confirm: async (signal) => {
      while (isFrozen || hasJumped()) {
        if (stopIfLapsed()) throw new AttemptStopped(LAPSED);
        signal.throwIfAborted();
        log.warn({}, 'The clocks have jumped: renewing the lease before anything is published');
        if (!(await beat(signal))) await clock.sleep(RETRY_BASE_MS, signal);
      }
      if (stopIfLapsed()) throw new AttemptStopped(LAPSED);
      signal.throwIfAborted();
    },
  };

  /** Wakes the heartbeat after a jump: on a machine that slept, its timer has stood still, too. */
  async function watchClocks(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (hasJumped() && !isFrozen) {
        log.warn({}, 'The clocks have jumped: nothing is published until a heartbeat has been answered');
        isFrozen = true;
        pause.abort();
      }
      lookedAtMs = clock.monotonicMs();
      await untilAborted(clock.sleep(LOOK_AT_CLOCKS_MS, signal));
    }
  }

  async function watchDeadline(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (stopIfLapsed()) return;
      const leftMs = deadlineMs - clock.monotonicMs();
      deadlineMoved = new AbortController();
      await untilAborted(clock.sleep(leftMs, AbortSignal.any([signal, deadlineMoved.signal])));
    }
  }

  function stopIfLapsed(): boolean {
    if (deadlineMs > clock.monotonicMs()) return false;
    stop(LAPSED);
    return true;
  }

  async function keepBeating(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      // Before the beat, so that a change that it does not carry yet cuts the pause after it.
      pause = new AbortController();
      failures = (await beat(signal)) ? 0 : failures + 1;
      const regularMs = heartbeatMs * (0.8 + 0.4 * options.random.fraction());
      const waitMs =
        failures === 0
          ? regularMs
          : Math.min(
              regularMs,
              backoffMs({
                attempt: failures,
                baseMs: RETRY_BASE_MS,
                maxMs: heartbeatMs,
                random: options.random.fraction,
              }),
            );
      await untilAborted(clock.sleep(waitMs, AbortSignal.any([signal, pause.signal])));
    }
  }

  /** True when it was answered. */
  async function beat(signal: AbortSignal): Promise<boolean> {
    const sent = { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
    try {
      const answer = await channel.heartbeat(options.news(), signal);
      heartbeatMs = answer.heartbeatSeconds * 1000;
      if (answer.action === 'continue' || answer.action === 'drain') {
        deadlineMs = sent.monotonicMs + toUsableMs(answer.leaseSeconds);
        deadlineMoved.abort();
        renewed = sent;
      }
      // Also with a cancel: it is said to who holds the lease.
      if (answer.action !== 'superseded') {
        isFrozen = false;
        lookedAtMs = clock.monotonicMs();
      }
      obey(answer);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (transportErrorKind(error) === 'unavailable') {
        log.warn({ err: error }, 'A heartbeat was not answered');
        return false;
      }
      const reason = error instanceof Error ? error.message : String(error);
      stop({ kind: 'lost', reason });
      return false;
    }
  }

  function obey(answer: HeartbeatResponse): void {
    switch (answer.action) {
      case 'cancel':
        stop({ kind: 'cancelled', reason: answer.reason ?? 'The job was cancelled.' });
        return;
      case 'superseded':
        stop({ kind: 'lost', reason: answer.reason ?? 'Another attempt took over.' });
        return;
      case 'drain':
        options.onDrain();
        break;
      case 'continue':
        break;
      default:
        answer.action satisfies never;
    }
    firstBeat.resolve();
    options.onBeat();
  }

  function stop(why: AttemptStop): void {
    if (stopped) return;
    stopped = true;
    options.onStop(why);
  }

  function hasJumped(): boolean {
    const nowMs = clock.monotonicMs();
    if (nowMs - lookedAtMs > MAX_PAUSE_MS) return true;
    if (renewed === null) return false;
    const ranMs = nowMs - renewed.monotonicMs;
    return Math.abs(clock.nowMs() - renewed.wallMs - ranMs) > MAX_CLOCK_SKEW_MS;
  }

  function toUsableMs(leaseSeconds: number): number {
    return Math.max(leaseSeconds - options.leaseSafetySeconds, leaseSeconds / 2) * 1000;
  }
}

/** Waits to the end or to the abort, whichever is first; who calls looks at the signal. */
async function untilAborted(sleep: Promise<void>): Promise<void> {
  await sleep.catch(() => undefined);
}
