import { type Kysely, type Selectable, sql } from 'kysely';
import type { Engine } from './engine.ts';
import type { Schema, TaskRow } from './schema.ts';
import type { ClaimedDelivery, DeliveryRecord, DeliveryState, DeliveryStore, NewDelivery } from './store.ts';

/** At most this many deliveries are written by one statement. */
const BATCH = 200;

export type DeliveryQueries = {
  /** Stores those that are new, and revives dead letters; returns their GUIDs. One statement. */
  putAll(deliveries: readonly NewDelivery[], nowMs: number): Promise<Set<string>>;
  claim(nowMs: number, leaseMs: number): Promise<ClaimedDelivery | null>;
  finish(claim: { guid: string; fence: number }, nowMs: number): Promise<void>;
  fail(
    claim: { guid: string; fence: number },
    failure: { error: string; retry: { afterMs: number; countsAsTry: boolean } | null },
    nowMs: number,
  ): Promise<void>;
  list: DeliveryStore['listDeliveries'];
  find: DeliveryStore['findDeliveries'];
  replay(guid: string, nowMs: number): ReturnType<DeliveryStore['replayDelivery']>;
  replayDead(nowMs: number): Promise<number>;
  count: DeliveryStore['countDeliveries'];
  known: DeliveryStore['knownDeliveries'];
};

export function createDeliveryQueries(
  db: Kysely<Schema>,
  engine: Engine,
  newId: () => string,
): DeliveryQueries {
  // No text in a payload can look like this: quotes in texts are written `\"`.
  const repositoryPart =
    sql<string>`substr(payload, ${sql.raw(engine.positionFunction)}(payload, '"repository":{"id":'), 600)`.as(
      'repository_part',
    );

  function update(claim: { guid: string; fence: number }) {
    return db
      .updateTable('tasks')
      .where('queue', '=', 'inbox')
      .where('dedupe_key', '=', claim.guid)
      .where('fence', '=', claim.fence)
      .where('state', '=', 'running');
  }

  return {
    async putAll(deliveries, nowMs) {
      // A statement may touch each row once only.
      const distinct = [...new Map(deliveries.map((delivery) => [delivery.guid, delivery])).values()];
      const inOrderOfArrival = distinct.map((delivery) => ({
        id: newId(),
        queue: 'inbox' as const,
        dedupe_key: delivery.guid,
        order_key: delivery.orderKey,
        kind: delivery.event,
        payload: delivery.payload,
        priority: 0,
        rev: 1,
        state: 'ready' as const,
        attempts: 0,
        run_at: nowMs,
        fence: 0,
        created_at: nowMs,
        updated_at: nowMs,
      }));
      const rows = await db
        .insertInto('tasks')
        // Two coordinators that store the same deliveries wait for each other only if they come to them in the same order.
        .values(inOrderOfArrival.toSorted((a, b) => compare(a.dedupe_key, b.dedupe_key)))
        .onConflict((conflict) =>
          conflict
            .columns(['queue', 'dedupe_key'])
            .doUpdateSet({
              state: 'ready',
              attempts: 0,
              run_at: nowMs,
              last_error: null,
              created_at: nowMs,
              updated_at: nowMs,
              finished_at: null,
            })
            .where('tasks.state', '=', 'dead'),
        )
        .returning('dedupe_key')
        .execute();
      return new Set(rows.map((row) => row.dedupe_key));
    },

    async claim(nowMs, leaseMs) {
      const row = await engine.inTurn(db, 'claim-delivery', (on) => claimStatement(on, nowMs, leaseMs));
      return row ? toClaimedDelivery(row) : null;
    },

    async finish(claim, nowMs) {
      await update(claim)
        .set({ state: 'done', lease_until: null, finished_at: nowMs, updated_at: nowMs })
        .execute();
    },

    async fail(claim, failure, nowMs) {
      const { error, retry } = failure;
      await update(claim)
        .set((eb) => ({
          state: retry === null ? 'dead' : 'ready',
          attempts: eb('attempts', '-', retry?.countsAsTry === false ? 1 : 0),
          run_at: nowMs + (retry?.afterMs ?? 0),
          lease_until: null,
          last_error: error,
          updated_at: nowMs,
          finished_at: retry === null ? nowMs : null,
        }))
        .execute();
    },

    async list({ states, event, limit }) {
      const rows = await db
        .selectFrom('tasks')
        .select([...RECORD_COLUMNS, BEGINNING, repositoryPart])
        .where('queue', '=', sql.lit('inbox'))
        .$if(states.length > 0, (query) => query.where('state', 'in', states))
        .$if(event !== null, (query) => query.where('kind', '=', event ?? ''))
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(toRecord);
    },

    async find(prefix) {
      const rows = await db
        .selectFrom('tasks')
        .select([...RECORD_COLUMNS, BEGINNING, repositoryPart, 'payload'])
        .where('queue', '=', sql.lit('inbox'))
        // Not by comparing: that is done by the rules of the database's language.
        .where(sql<boolean>`substr(dedupe_key, 1, ${prefix.length}) = ${prefix}`)
        .orderBy('dedupe_key')
        .limit(2)
        .execute();
      return rows.map((row) => ({ ...toRecord(row), payload: row.payload }));
    },

    async replay(guid, nowMs) {
      const rows = await revive(nowMs)
        .where('dedupe_key', '=', guid)
        .where('state', '!=', 'running')
        .returning('id')
        .execute();
      if (rows.length > 0) return 'ready';
      return (await known([guid])).size === 0 ? null : 'running';
    },

    async replayDead(nowMs) {
      return (await revive(nowMs).where('state', '=', 'dead').returning('id').execute()).length;
    },

    async count() {
      const rows = await db
        .selectFrom('tasks')
        .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
        .where('queue', '=', sql.lit('inbox'))
        .groupBy('state')
        .execute();
      const none = { ready: 0, running: 0, done: 0, dead: 0 };
      return { ...none, ...Object.fromEntries(rows.map((row) => [row.state, row.count])) };
    },

    known,
  };

  async function known(guids: readonly string[]): Promise<Set<string>> {
    if (guids.length === 0) return new Set();
    const rows = await db
      .selectFrom('tasks')
      .select('dedupe_key')
      .where('queue', '=', sql.lit('inbox'))
      .where('dedupe_key', 'in', guids)
      .execute();
    return new Set(rows.map((row) => row.dedupe_key));
  }

  function revive(nowMs: number) {
    return db
      .updateTable('tasks')
      .set({
        state: 'ready',
        attempts: 0,
        run_at: nowMs,
        last_error: null,
        created_at: nowMs,
        updated_at: nowMs,
        finished_at: null,
      })
      .where('queue', '=', 'inbox');
  }

  function claimStatement(on: Kysely<Schema>, nowMs: number, leaseMs: number) {
    // Literals, not parameters: SQLite uses a partial index only when it can see that the condition holds.
    return on
      .with('due', (with_) =>
        with_
          .selectFrom('tasks as t')
          .select('t.id')
          .where('t.queue', '=', sql.lit('inbox'))
          .where('t.state', '=', sql.lit('ready'))
          .where('t.run_at', '<=', nowMs)
          // An earlier delivery of the same issue goes first, also while it waits to be tried again.
          .where((eb) =>
            eb.not(
              eb.exists(
                eb
                  .selectFrom('tasks as earlier')
                  .select('earlier.id')
                  .where('earlier.queue', '=', sql.lit('inbox'))
                  .where('earlier.state', 'in', [sql.lit('ready' as const), sql.lit('running' as const)])
                  .whereRef('earlier.order_key', '=', 't.order_key')
                  // Of two coordinators, the one whose delivery has the earlier id may have been the later to store it.
                  .where((eb) =>
                    eb.or([
                      eb('earlier.id', '<', eb.ref('t.id')),
                      eb('earlier.state', '=', sql.lit('running')),
                    ]),
                  ),
              ),
            ),
          )
          .orderBy('t.priority', 'desc')
          .orderBy('t.id')
          .limit(1)
          .$if(engine.rowLocks, (query) => query.forUpdate('t').skipLocked()),
      )
      .updateTable('tasks')
      .set((eb) => ({
        state: 'running',
        attempts: eb('attempts', '+', 1),
        fence: eb('fence', '+', 1),
        lease_until: nowMs + leaseMs,
        claimed_by: engine.claimant,
        updated_at: nowMs,
      }))
      .where('id', 'in', (eb) => eb.selectFrom('due').select('due.id'))
      .returningAll()
      .executeTakeFirst();
  }
}

const RECORD_COLUMNS = [
  'dedupe_key',
  'kind',
  'order_key',
  'state',
  'attempts',
  'last_error',
  'created_at',
  'run_at',
  'finished_at',
] as const;

/** Bodies may have 25 MB; GitHub's begin with the action. */
const BEGINNING = sql<string>`substr(payload, 1, 100)`.as('beginning');

function toRecord(
  row: Pick<Selectable<TaskRow>, (typeof RECORD_COLUMNS)[number]> & {
    beginning: string;
    repository_part: string;
  },
): DeliveryRecord {
  return {
    guid: row.dedupe_key,
    event: row.kind,
    action: /^\s*\{\s*"action"\s*:\s*"(\w+)"/.exec(row.beginning)?.[1] ?? null,
    repository:
      /^"repository":\{"id":[^{}]{1,400}?"full_name":"([\w.-]{1,100}\/[\w.-]{1,100})"/.exec(
        row.repository_part,
      )?.[1] ?? null,
    orderKey: row.order_key,
    state: row.state satisfies DeliveryState,
    attempts: row.attempts,
    error: row.last_error,
    receivedAtMs: row.created_at,
    runAtMs: row.run_at,
    finishedAtMs: row.finished_at,
  };
}

/** By code units: the same on every machine, whatever its language. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * Group commit: all deliveries that arrive in one turn of the event loop, or while the ones before are being written, share one
 * transaction, so that a burst costs one flush of the disk. Each caller hears of its own delivery, after the commit.
 */
export function createDeliveryBatcher(
  putAll: (deliveries: readonly NewDelivery[]) => Promise<Set<string>>,
): (delivery: NewDelivery) => Promise<'stored' | 'known'> {
  type Waiting = {
    delivery: NewDelivery;
    resolve: (result: 'stored' | 'known') => void;
    reject: (error: unknown) => void;
  };
  let waiting: Waiting[] = [];
  let isWriting = false;

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
      await write(batch);
      // Between batches others have their turn, also where writing blocks the event loop.
      await new Promise(setImmediate);
    }
    isWriting = false;
  }

  async function write(batch: readonly Waiting[]): Promise<void> {
    try {
      const stored = await putAll(batch.map((entry) => entry.delivery));
      for (const { delivery, resolve } of batch) {
        // The first of two equal ones in a batch is the one that was stored.
        resolve(stored.delete(delivery.guid) ? 'stored' : 'known');
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (delivery) =>
    new Promise((resolve, reject) => {
      waiting.push({ delivery, resolve, reject });
      if (isWriting) return;
      isWriting = true;
      setImmediate(() => void flush());
    });
}

function toClaimedDelivery(row: Selectable<TaskRow>): ClaimedDelivery {
  return {
    guid: row.dedupe_key,
    event: row.kind,
    orderKey: row.order_key,
    payload: row.payload,
    attempt: row.attempts,
    fence: row.fence,
    receivedAtMs: row.created_at,
  };
}
