import { AsyncLocalStorage } from 'node:async_hooks';
import type { Kysely } from 'kysely';
import { BUDGETS, DEFAULT_TIMINGS, type Timings } from '../domain/timings.ts';
import { createAttemptTokenQueries } from './attempt-tokens.ts';
import { createAttemptQueries } from './attempts.ts';
import { createCheckRunMailQueries } from './check-run-mail.ts';
import { createCommandQueries } from './commands.ts';
import { createDeliveryBatcher, createDeliveryQueries } from './deliveries.ts';
import type { Engine } from './engine.ts';
import { createJobQueries } from './jobs.ts';
import { createMemoryQueries, type KeepFor, prune } from './memory.ts';
import { createPatchQueries } from './patches.ts';
import { createReviewQueries } from './reviews.ts';
import { createRunnerQueries } from './runners.ts';
import type { Schema } from './schema.ts';
import type { Queries, Store, StoreTx } from './store.ts';
import { createSweepQueries } from './sweeps.ts';
import { createEffectQueries, requeueRunning, type WantedEffect } from './tasks.ts';
import { createTimelineQueries } from './timeline.ts';
import { createSpendingQueries } from './spending.ts';
import { createWriteLimitQueries } from './write-limits.ts';
import type { Wakes, WakeTopic } from './wakes.ts';

/** The defaults, where left out. */
export type StoreTimings = Partial<
  Pick<Timings, 'taskLeaseSeconds' | 'progressReportSeconds' | 'blockedLookSeconds'>
>;

const DAY_MS = 24 * 60 * 60 * 1000;

/** GitHub redelivers for three days; what a person asked for may be found again by a sweep much later. */
const KEEP_FOR: Omit<KeepFor, 'logsMs'> = {
  deliveriesMs: 7 * DAY_MS,
  effectsMs: 7 * DAY_MS,
  answersMs: DAY_MS,
  triggerKeysMs: 90 * DAY_MS,
  commandsMs: 30 * DAY_MS,
  patchesMs: BUDGETS.refusedPatchDays * DAY_MS,
};

/**
 * The store over an SQL database that has been migrated: the same for every engine. `newId` gives ids that sort in the order in which
 * they were made; `close` ends what is beneath.
 */
export function createSqlStore(deps: {
  db: Kysely<Schema>;
  engine: Engine;
  newId: () => string;
  /** Where commits of this process are told; others may be told there, too. */
  wakes: Wakes;
  timings?: StoreTimings;
  keepLogsDays?: number | undefined;
  close: () => Promise<void>;
}): Store {
  const { db, engine, newId, wakes } = deps;
  const timings = { ...DEFAULT_TIMINGS, ...deps.timings };
  const keepFor = { ...KEEP_FOR, logsMs: (deps.keepLogsDays ?? BUDGETS.keptLogDays) * DAY_MS };
  const leaseMs = timings.taskLeaseSeconds * 1000;
  const transaction = new AsyncLocalStorage<true>();
  const deliveries = createDeliveryQueries(db, engine, newId);

  async function transact<T>(work: (tx: StoreTx) => Promise<T>): Promise<T> {
    if (transaction.getStore()) throw new Error('A transaction was begun inside a transaction');
    const topics = new Set<WakeTopic>();
    const result = await transaction.run(true, () =>
      engine.transact(db, async (trx) => {
        topics.clear();
        const worked = await work(createTx(trx, await engine.nowMs(trx), topics));
        await engine.announce(trx, topics);
        return worked;
      }),
    );
    wakes.emit(topics);
    return result;
  }

  function createTx(trx: Kysely<Schema>, nowMs: number, topics: Set<WakeTopic>): StoreTx {
    const effects = createEffectQueries(trx, engine, newId);
    return {
      ...createQueries(trx),
      nowMs,
      async want(wanted) {
        await effects.want(wanted, { nowMs, apartMs: secondsApart(wanted, timings) * 1000 });
        topics.add('outbox');
      },
      async tell(jobId, kind, text) {
        await createTimelineQueries(trx, newId).addEvent({ jobId, atMs: nowMs, kind, text });
        topics.add(`job:${jobId}`);
      },
      wake: (topic) => void topics.add(topic),
      takeTurn: (name) => engine.takeTurn(trx, name),
    };
  }

  function createQueries(on: Kysely<Schema>): Queries {
    return {
      jobs: createJobQueries(on, engine),
      attempts: createAttemptQueries(on),
      attemptTokens: createAttemptTokenQueries(on),
      runners: createRunnerQueries(on, engine),
      effects: createEffectQueries(on, engine, newId),
      timeline: createTimelineQueries(on, newId),
      memory: createMemoryQueries(on),
      mail: createCheckRunMailQueries(on),
      spending: createSpendingQueries(on),
      sweeps: createSweepQueries(on),
      commands: createCommandQueries(on),
      reviews: createReviewQueries(on),
      patches: createPatchQueries(on),
      writeLimits: createWriteLimitQueries(on, newId),
    };
  }

  const putDelivery = createDeliveryBatcher(async (batch) => {
    const stored = await deliveries.putAll(batch, await engine.nowMs(db));
    wakes.emit(['inbox']);
    return stored;
  });

  return {
    ...createQueries(db),
    transact,
    nowMs: () => engine.nowMs(db),

    putDelivery,
    claimDelivery: async () => deliveries.claim(await engine.nowMs(db), leaseMs),
    finishDelivery: async (claim) => deliveries.finish(claim, await engine.nowMs(db)),
    failDelivery: async (claim, error, retry) =>
      deliveries.fail(claim, { error, retry }, await engine.nowMs(db)),
    listDeliveries: deliveries.list,
    findDeliveries: deliveries.find,
    async replayDelivery(guid) {
      const result = await deliveries.replay(guid, await engine.nowMs(db));
      wakes.emit(['inbox']);
      return result;
    },
    async replayDeadLetters() {
      const count = await deliveries.replayDead(await engine.nowMs(db));
      wakes.emit(['inbox']);
      return count;
    },
    countDeliveries: deliveries.count,
    knownDeliveries: deliveries.known,

    subscribe: wakes.subscribe,
    requeueLapsedTasks: async () =>
      requeueRunning(db, {
        leaseEndedBeforeMs: await engine.nowMs(db),
        claimants: await engine.goneClaimants(db),
      }),
    prune: async () => prune(db, keepFor, await engine.nowMs(db)),
    close: deps.close,
    [Symbol.asyncDispose]: deps.close,
  };
}

/** How long after the last time an effect is carried out again. */
function secondsApart(
  { effect, weight }: WantedEffect,
  timings: Pick<Timings, 'progressReportSeconds' | 'blockedLookSeconds'>,
): number {
  if (effect.kind === 'status-comment' && weight !== 'final') return timings.progressReportSeconds;
  return effect.kind === 'look-at-blockers' ? timings.blockedLookSeconds : 0;
}
