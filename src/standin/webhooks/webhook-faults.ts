import type { SentWebhook, WebhookFilter } from './delivery.ts';

const always: WebhookFilter = () => true;

type Counted = { remaining: number; filter: WebhookFilter };

/** What may go wrong on a webhook's way: lost, doubled, late, out of order. */
export function createWebhookFaults() {
  let drops: Counted[] = [];
  let duplicates: Counted[] = [];
  let delays: { ms: number; filter: WebhookFilter }[] = [];
  let shuffle: { wanted: number; held: (() => void)[] } | null = null;

  return {
    /** The next `n` fitting events are never received; the delivery log shows them as failed. */
    dropNext(n: number, filter: WebhookFilter = always): void {
      drops.push({ remaining: n, filter });
    },
    /** The next `n` fitting events arrive twice, with the same GUID. */
    duplicateNext(n: number, filter: WebhookFilter = always): void {
      duplicates.push({ remaining: n, filter });
    },
    /** Fitting events arrive this much later, until `clear`. */
    delay(ms: number, filter: WebhookFilter = always): void {
      delays.push({ ms, filter });
    },
    /** The next `n` events are held until all are there, and then sent last first. Those held before are sent at once. */
    shuffleNext(n: number): void {
      releaseHeld();
      shuffle = { wanted: n, held: [] };
    },
    /** Ends all faults; events held by `shuffleNext` are sent at once. */
    clear(): void {
      drops = [];
      duplicates = [];
      delays = [];
      releaseHeld();
    },

    /** What shall happen to this event. */
    fateOf(webhook: SentWebhook): { dropped: boolean; copies: number; delayMs: number } {
      const dropped = take(drops, webhook);
      return {
        dropped,
        copies: take(duplicates, webhook) ? 2 : 1,
        delayMs: Math.max(0, ...delays.filter(({ filter }) => filter(webhook)).map(({ ms }) => ms)),
      };
    },

    /** Sends now, or together with the others of a shuffle. */
    inTurn(send: () => void): void {
      if (!shuffle) {
        send();
        return;
      }
      shuffle.held.push(send);
      if (shuffle.held.length >= shuffle.wanted) releaseHeld();
    },
  };

  function releaseHeld(): void {
    const held = shuffle?.held ?? [];
    shuffle = null;
    for (const send of held.reverse()) send();
  }
}

export type WebhookFaults = ReturnType<typeof createWebhookFaults>;

function take(faults: Counted[], webhook: SentWebhook): boolean {
  const fault = faults.find(({ remaining, filter }) => remaining > 0 && filter(webhook));
  if (fault) fault.remaining -= 1;
  return fault !== undefined;
}
