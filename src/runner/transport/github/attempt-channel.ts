import type { HeartbeatResponse } from '../../../contract/runner-api.ts';
import type { CheckRunContent } from '../../../domain/check-run-content.ts';
import { toResultCheckRun } from '../../../domain/check-run-text.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/logger.ts';
import type { Random } from '../../../lib/random.ts';
import { backoffMs } from '../../../lib/retry.ts';
import type { AttemptChannel } from '../transport.ts';
import { TransportError, transportErrorKind } from '../transport-error.ts';
import { type AttemptMail, toOrder } from './attempt-mail.ts';

/** Never more often than this, however much there is to tell. */
const MOST_SPACING_MS = 15_000;
const MOST_LOOK_MS = 10_000;
const CANCELLED = 'The job was cancelled on GitHub.';

/**
 * The calls of an attempt, over its check run. Everything that changes goes into the next report; reports are apart by a quarter of the
 * heartbeat's time, at most 15 s. A heartbeat in between is answered from the report before: the lease that is left, and what the
 * coordinator has ordered.
 */
export function createAttemptChannel(
  mail: AttemptMail,
  deps: {
    runnerName: string;
    clock: Clock;
    random: Random;
    log: Logger;
    backoff: { baseMs: number; maxMs: number };
    /** What people see until there is something to show. */
    firstContent: CheckRunContent;
    /** It was taken by a process before this one. */
    isResumed: boolean;
    /** Aborts when the transport is closed. */
    closed: AbortSignal;
    onEnd(): Promise<void>;
  },
): AttemptChannel {
  const { clock, log, random } = deps;
  const { heartbeatSeconds, leaseSeconds, specialty } = mail.place;
  const spacingMs = Math.min(MOST_SPACING_MS, heartbeatSeconds * 250);
  const lookMs = Math.min(MOST_LOOK_MS, heartbeatSeconds * 250);
  let lastSentMs = clock.monotonicMs();
  const over = new AbortController();
  const ended = AbortSignal.any([over.signal, deps.closed]);
  let shown: CheckRunContent | null = null;
  let last: CheckRunContent | null = null;
  let pump: Promise<void> | null = null;
  let isDirty = false;

  return {
    takesLongPatches: false,
    start: async (signal) => {
      mail.set({ started: true });
      await repeat('start', signal, () => send(signal));
    },
    heartbeat: async ({ phase, progress }, signal) => {
      const order = toOrder(await mail.look(signal));
      if (order.verb === 'cancel') return toAnswer('cancel', 0);
      const isNews = mail.state().phase !== phase;
      // What was used goes along with the next report, and is no reason for one.
      mail.set({ phase, progress });
      const ageMs = clock.monotonicMs() - lastSentMs;
      if (ageMs >= spacingMs && (isNews || ageMs >= heartbeatSeconds * 500)) await send(signal);
      else if (isNews) tellSoon();
      return toAnswer(order.verb === 'drain' ? 'drain' : 'continue', clock.monotonicMs() - lastSentMs);
    },
    appendLog: async ({ offset, text }) => {
      mail.addLog(offset, text);
      return offset + Buffer.byteLength(text);
    },
    token: async ({ purpose, headCommit }, signal) => {
      if (purpose === 'publish') {
        mail.set({ publishCommit: headCommit, started: true, phase: 'publish' });
        await repeat('token', signal, () => send(signal));
        await untilMayPublish(signal);
        return repeat('token', signal, () => mail.publishToken(signal));
      }
      return repeat('token', signal, () => mail.workingToken(signal));
    },
    // It goes along with the result: before that nobody decides anything by it.
    sendEvidence: async () => undefined,
    // Of the patch there is what the check run shows: nothing else of it reaches the coordinator.
    complete: async ({ result, patch }, _idempotencyKey, signal) => {
      over.abort();
      let mayHaveArrived = deps.isResumed;
      try {
        await repeat('complete', signal, async () => {
          // A lost answer, or what a process before this one has sent.
          if (mayHaveArrived && (await mail.resume(signal))) return;
          mayHaveArrived = true;
          // One that is being cancelled is still ours to end, and one that was taken back is not.
          toOrder(await mail.look(signal));
          mail.set({ result });
          const { runnerName } = deps;
          const content = last ?? toResultCheckRun({ specialty, runnerName, result, patch });
          await mail.write(content, signal);
        });
      } finally {
        await deps.onEnd();
      }
    },
    reporter: {
      show: (content) => {
        shown = content;
        tellSoon();
      },
      // Sent along with the result, which has to be there when the check run is completed.
      finish: async (content) => {
        over.abort();
        last = content;
        return true;
      },
    },
  };

  function toAnswer(action: HeartbeatResponse['action'], ageMs: number): HeartbeatResponse {
    return {
      action,
      reason: action === 'cancel' ? CANCELLED : null,
      // Counted from the report that GitHub has taken.
      leaseSeconds: Math.max(0.001, leaseSeconds - ageMs / 1000),
      heartbeatSeconds,
    };
  }

  async function send(signal: AbortSignal): Promise<void> {
    isDirty = false;
    const sentMs = clock.monotonicMs();
    await mail.write(shown ?? deps.firstContent, signal);
    lastSentMs = sentMs;
  }

  /** One report for all that changes until the spacing is over. */
  function tellSoon(): void {
    isDirty = true;
    pump ??= pumpReports().finally(() => {
      pump = null;
    });
  }

  async function pumpReports(): Promise<void> {
    while (isDirty && !ended.aborted) {
      const waitMs = lastSentMs + spacingMs - clock.monotonicMs();
      // The end of the attempt cuts it short, which is looked at next.
      if (waitMs > 0) await clock.sleep(waitMs, ended).catch(() => undefined);
      if (!isDirty || ended.aborted) return;
      try {
        const limit = AbortSignal.timeout(MOST_SPACING_MS);
        // Nothing may be written to the check run of an attempt that was lost.
        toOrder(await mail.look(limit));
        await send(limit);
      } catch (error) {
        log.warn({ err: error }, 'Progress could not be shown on GitHub; the next report shows it');
        return;
      }
    }
  }

  async function untilMayPublish(signal: AbortSignal): Promise<void> {
    for (;;) {
      const order = await repeat('token', signal, async () => toOrder(await mail.look(signal)));
      if (order.verb === 'publish') return;
      if (order.verb === 'cancel') throw new TransportError('policy_refused', CANCELLED);
      await clock.sleep(lookMs, signal);
    }
  }

  async function repeat<T>(call: string, signal: AbortSignal, trial: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await trial();
      } catch (error) {
        if (signal.aborted || transportErrorKind(error) !== 'unavailable') throw error;
        const waitMs = backoffMs({ attempt, ...deps.backoff, random: random.fraction });
        log.warn({ err: error, call, attempt, waitMs }, 'GitHub did not take it; trying again');
        await clock.sleep(waitMs, signal);
      }
    }
  }
}
