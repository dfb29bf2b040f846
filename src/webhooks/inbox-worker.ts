import type { Trigger } from '../domain/trigger.ts';
import { GitHubError } from '../github/github-error.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { toError } from '../lib/to-error.ts';
import { tryUntil } from '../lib/try-until.ts';
import type { ClaimedDelivery, DeliveryStore } from '../store/store.ts';
import type { IncomingEvent, Translation } from './translation.ts';

/** Waits before the second to the fifth try of what fails for a reason of its own. After the fifth it is a dead letter. */
const RETRY_AFTER_MS = [2000, 15_000, 60_000, 300_000] as const;

/** While GitHub is away a delivery waits about as long again as it has waited already. */
const LEAST_OUTAGE_WAIT_MS = 2000;
const MOST_OUTAGE_WAIT_MS = 300_000;

/** For so long, and so often, a store that is away is told what has become of a delivery. Then the claim lapses, and it is handled again. */
const SETTLE_FOR_MS = 240_000;
const SETTLE_AGAIN_MS = 500;

type RetryPlan = Parameters<DeliveryStore['failDelivery']>[2];

export type InboxWorker = {
  /** Something was stored: look at once. */
  wake(): void;
  /** Resolves as soon as nothing is being handled and nothing that is due is left. */
  idle(): Promise<void>;
  /** Takes no more deliveries, and resolves when those in hand are done. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * Works through the inbox: several deliveries at a time, those of one order key one after the other (the store sees to that).
 * Whatever is thrown while one is handled counts as a failed try, unless GitHub is away or limits us: that is waited out.
 */
export function createInboxWorker(deps: {
  store: Pick<DeliveryStore, 'claimDelivery' | 'finishDelivery' | 'failDelivery'>;
  translate: (delivery: IncomingEvent & { event: string }) => Translation;
  acceptTrigger: (trigger: Trigger) => Promise<unknown>;
  log: Logger;
  clock: Clock;
  /** Deliveries handled at a time. */
  concurrency?: number;
  /** Between looks for what was put off, and for what another process stored. */
  pollMs?: number;
}): InboxWorker {
  const { store, translate, acceptTrigger, log, clock, concurrency = 8, pollMs = 1000 } = deps;
  const stopping = new AbortController();
  const handling = new Set<Promise<void>>();
  let isWoken = false;
  let sleeping: AbortController | null = null;
  let whenIdle = Promise.withResolvers<void>();

  const looping = loop();
  return { wake, idle, stop, [Symbol.asyncDispose]: stop };

  function wake(): void {
    isWoken = true;
    sleeping?.abort();
  }

  async function idle(): Promise<void> {
    wake();
    await whenIdle.promise;
  }

  async function stop(): Promise<void> {
    stopping.abort(new Error('The inbox worker stops'));
    wake();
    await looping;
    await Promise.all(handling);
    whenIdle.resolve();
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      isWoken = false;
      const claim = handling.size < concurrency ? await claimNext() : null;
      if (claim !== null) {
        start(claim);
        continue;
      }
      if (handling.size === 0 && !isWoken) {
        whenIdle.resolve();
        whenIdle = Promise.withResolvers();
      }
      if (!isWoken) await pause();
    }
  }

  async function claimNext(): Promise<ClaimedDelivery | null> {
    try {
      return await store.claimDelivery();
    } catch (thrown) {
      // The store is down for now; deliveries stay in it, so the next look will do.
      log.error({ err: toError(thrown) }, 'Could not look for webhooks');
      return null;
    }
  }

  function start(claim: ClaimedDelivery): void {
    const done = handle(claim).finally(() => {
      handling.delete(done);
      wake();
    });
    handling.add(done);
  }

  /** Until somebody wakes us, or the next look is due. */
  async function pause(): Promise<void> {
    sleeping = new AbortController();
    try {
      await clock.sleep(pollMs, sleeping.signal);
    } catch {
      // Woken: that is what the abort says.
    }
  }

  async function handle(claim: ClaimedDelivery): Promise<void> {
    const { guid, event, attempt } = claim;
    try {
      const payload: unknown = JSON.parse(claim.payload);
      const { triggers, reason } = translate({ guid, event, payload });
      if (reason !== null) log.info({ guid, event, reason }, 'Ignored a webhook');
      for (const trigger of triggers) await acceptTrigger(trigger);
      await store.finishDelivery(claim);
    } catch (thrown) {
      const error = toError(thrown);
      const retry = planRetry(claim, error, clock.nowMs());
      log.error({ err: error, guid, event, attempt, retry }, 'Could not handle a webhook');
      // The words stay as they are: people set alarms on them.
      if (retry === null) log.error({ guid, event }, 'A webhook has become a dead letter');
      await fail(claim, error, retry);
    }
  }

  async function fail(claim: ClaimedDelivery, error: Error, retry: RetryPlan): Promise<void> {
    const untilMs = clock.monotonicMs() + SETTLE_FOR_MS;
    const isOver = (): boolean => clock.monotonicMs() >= untilMs;
    const { signal } = stopping;
    try {
      await tryUntil(() => store.failDelivery(claim, error.message, retry), {
        clock,
        isOver,
        signal,
        waitMs: SETTLE_AGAIN_MS,
      });
    } catch (thrown) {
      // The claim lapses by itself then, and the delivery is handled again.
      log.error({ err: toError(thrown), guid: claim.guid }, 'Could not put a webhook off');
    }
  }
}

function planRetry(claim: ClaimedDelivery, error: Error, nowMs: number): RetryPlan {
  if (error instanceof GitHubError && (error.kind === 'unavailable' || error.kind === 'rate_limited')) {
    const waitedMs = nowMs - claim.receivedAtMs;
    const ownMs = Math.min(MOST_OUTAGE_WAIT_MS, Math.max(LEAST_OUTAGE_WAIT_MS, waitedMs));
    // GitHub's limits may last longer than our own patience.
    return { afterMs: Math.max(ownMs, error.retryAfterMs ?? 0), countsAsTry: false };
  }
  const afterMs = RETRY_AFTER_MS[claim.attempt - 1];
  return afterMs === undefined ? null : { afterMs, countsAsTry: true };
}
