import { describe, expect, test } from 'vitest';
import type { Trigger } from '../../src/domain/trigger.ts';
import { GitHubError } from '../../src/github/github-error.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { Store } from '../../src/store/store.ts';
import { createInboxWorker } from '../../src/webhooks/inbox-worker.ts';
import { translate } from '../../src/webhooks/translate.ts';
import { openTestStore } from '../support/embedded-store.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { anIssuesPayload } from './payloads.ts';

describe('the inbox worker', () => {
  test('handles what is stored, and what is stored later as soon as it is woken', async () => {
    await using opened = await openTestStore();
    const accepted: string[] = [];
    await putLabeled(opened.store, 'first', 1);

    await using worker = aWorker(opened.store, async (trigger) => void accepted.push(nameOf(trigger)));
    await worker.idle();
    await putLabeled(opened.store, 'second', 2);
    worker.wake();
    await worker.idle();

    expect(accepted).toEqual(['1', '2']);
    expect(await opened.store.claimDelivery()).toBeNull();
  });

  test('keeps the order of one issue while other issues go on', async () => {
    await using opened = await openTestStore();
    const accepted: string[] = [];
    const held = Promise.withResolvers<void>();
    for (const [guid, issue] of [
      ['a', 1],
      ['b', 1],
      ['c', 2],
    ] as const) {
      await putLabeled(opened.store, guid, issue, guid);
    }

    await using worker = aWorker(opened.store, async (trigger) => {
      if (nameOf(trigger) === '1 a') await held.promise;
      accepted.push(nameOf(trigger));
      if (nameOf(trigger) === '2 c') held.resolve();
    });
    await worker.idle();

    expect(accepted).toEqual(['2 c', '1 a', '1 b']);
  });

  test('handles no more at a time than it may', async () => {
    await using opened = await openTestStore();
    const running = { now: 0, most: 0, total: 0 };
    for (let issue = 1; issue <= 12; issue += 1) await putLabeled(opened.store, `g${issue}`, issue);

    await using worker = aWorker(
      opened.store,
      async () => {
        running.now += 1;
        running.most = Math.max(running.most, running.now);
        await new Promise(setImmediate);
        running.now -= 1;
        running.total += 1;
      },
      { concurrency: 3 },
    );
    await worker.idle();

    expect(running).toEqual({ now: 0, most: 3, total: 12 });
  });

  test('tries five times, longer and longer apart, and then keeps it as a dead letter', async () => {
    const clock = createTurnableClock();
    await using opened = await openTestStore(clock);
    const triedAtMs: number[] = [];
    await putLabeled(opened.store, 'bad', 1);
    const startMs = clock.nowMs();

    await using worker = aWorker(
      opened.store,
      () => {
        triedAtMs.push(clock.nowMs() - startMs);
        return Promise.reject(new Error('no luck'));
      },
      { clock },
    );
    for (let minute = 0; minute < 20; minute += 1) {
      await worker.idle();
      clock.turn(60_000);
    }
    await worker.idle();

    expect(triedAtMs).toEqual([0, 60_000, 120_000, 180_000, 480_000]);
    expect(await opened.store.claimDelivery()).toBeNull();
  });

  test("waits out GitHub's limit when that is longer", async () => {
    const clock = createTurnableClock();
    await using opened = await openTestStore(clock);
    let tries = 0;
    await putLabeled(opened.store, 'limited', 1);

    await using worker = aWorker(
      opened.store,
      async () => {
        tries += 1;
        if (tries === 1) throw new GitHubError('rate_limited', 'wait', { retryAfterMs: 3_000_000 });
      },
      { clock },
    );
    await worker.idle();
    clock.turn(2_999_000);
    await worker.idle();
    const triesBefore = tries;
    clock.turn(2000);
    await worker.idle();

    expect([triesBefore, tries]).toEqual([1, 2]);
  });

  test('waits for GitHub for as long as it is away', async () => {
    const clock = createTurnableClock();
    await using opened = await openTestStore(clock);
    const triedAtSeconds: number[] = [];
    const startMs = clock.nowMs();
    await putLabeled(opened.store, 'patient', 1);

    await using worker = aWorker(
      opened.store,
      async () => {
        triedAtSeconds.push((clock.nowMs() - startMs) / 1000);
        if (triedAtSeconds.length < 12) throw new GitHubError('unavailable', 'GitHub answers 502');
      },
      { clock },
    );
    for (let second = 0; second < 1500 && triedAtSeconds.length < 12; second += 1) {
      await worker.idle();
      clock.turn(1000);
    }
    await worker.idle();

    expect(triedAtSeconds).toEqual([0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 812, 1112]);
    expect(await opened.store.claimDelivery()).toBeNull();
  });

  test('a payload that is no JSON ends as a dead letter and stops nobody', async () => {
    const clock = createTurnableClock();
    await using opened = await openTestStore(clock);
    const accepted: string[] = [];
    await opened.store.putDelivery({ guid: 'x', event: 'issues', orderKey: 'x', payload: '{' });
    await putLabeled(opened.store, 'good', 1);

    await using worker = aWorker(opened.store, async (trigger) => void accepted.push(nameOf(trigger)), {
      clock,
    });
    await worker.idle();

    expect(accepted).toEqual(['1']);
  });

  test('a store that is down for a while loses nothing', async () => {
    await using opened = await openTestStore();
    const { store } = opened;
    const accepted: string[] = [];
    let failures = 3;
    await putLabeled(store, 'one', 1);

    await using worker = aWorker(
      {
        claimDelivery: () =>
          failures-- > 0 ? Promise.reject(new Error('database is down')) : store.claimDelivery(),
        finishDelivery: (claim) => store.finishDelivery(claim),
        failDelivery: (...given) => store.failDelivery(...given),
      },
      async (trigger) => void accepted.push(nameOf(trigger)),
    );
    await expect.poll(() => accepted).toEqual(['1']);
    await worker.idle();

    expect(failures).toBeLessThan(0);
  });

  test('finishes what it has in hand when it is stopped, and takes no more', async () => {
    await using opened = await openTestStore();
    const started = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const accepted: string[] = [];
    await putLabeled(opened.store, 'a', 1);
    await putLabeled(opened.store, 'b', 1);
    const worker = aWorker(opened.store, async (trigger) => {
      started.resolve();
      await held.promise;
      accepted.push(nameOf(trigger));
    });
    await started.promise;

    const stopped = worker.stop();
    held.resolve();
    await stopped;

    expect(accepted).toEqual(['1']);
    expect(await opened.store.claimDelivery()).toMatchObject({ guid: 'b' });
  });
});

function aWorker(
  store: Parameters<typeof createInboxWorker>[0]['store'],
  acceptTrigger: (trigger: Trigger) => Promise<void>,
  options: { concurrency?: number; clock?: Clock } = {},
) {
  return createInboxWorker({
    store,
    translate,
    acceptTrigger,
    log: createTestLogger(),
    clock: systemClock,
    pollMs: 20,
    ...options,
  });
}

async function putLabeled(store: Store, guid: string, issue: number, note = ''): Promise<void> {
  const payload = anIssuesPayload('labeled', {
    issue: { ...anIssuesPayload('labeled').issue, number: issue },
    label: { name: note },
  });
  await store.putDelivery({
    guid,
    event: 'issues',
    orderKey: `71#${issue}`,
    payload: JSON.stringify(payload),
  });
}

function nameOf(trigger: Trigger): string {
  return trigger.kind === 'label_added' ? `${trigger.issueNumber} ${trigger.label}`.trim() : trigger.kind;
}

/** Stands still until it is turned; sleepers wake at once when woken, as ever. */
function createTurnableClock(): Clock & { turn(ms: number): void } {
  let nowMs = Date.UTC(2026, 4, 4);
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (_ms, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      }),
    turn: (ms) => {
      nowMs += ms;
    },
  };
}
