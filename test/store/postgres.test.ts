import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Kysely } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { accepted, refused } from '../../src/dispatch/answer.ts';
import { answerOnce } from '../../src/dispatch/answer-once.ts';
import { createRunnerRegistry } from '../../src/dispatch/runner-registry.ts';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { createWriteBudget } from '../../src/github/write-budget.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createUuidV7 } from '../../src/lib/uuid-v7.ts';
import { createClaimantWatch } from '../../src/store/claimants.ts';
import { FolderInUseError } from '../../src/store/folder-lock.ts';
import { createPostgresStore } from '../../src/store/postgres.ts';
import { createPostgresDialect } from '../../src/store/postgres-dialect.ts';
import { DatabaseUnusableError } from '../../src/store/postgres-error.ts';
import { LOCK_CLASS } from '../../src/store/postgres-locks.ts';
import type { Schema } from '../../src/store/schema.ts';
import type { Store, StoreTx } from '../../src/store/store.ts';
import { StoreInUseError, type StoreUse } from '../../src/store/store-use.ts';
import { createStoredLimits } from '../../src/stored-limits.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { someRunnerFacts } from '../support/runner-builders.ts';
import { aDelivery, aStoredJob, forIssue } from '../support/store-builders.ts';
import { createTcpProxy } from '../support/tcp-proxy.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';
import { describeStore } from './store-contract.ts';
import { describeStoreUse } from './store-use-contract.ts';
import type { WakeTopic } from '../../src/store/wakes.ts';

const CLAIMER = path.join(import.meta.dirname, 'programs', 'claim-delivery.ts');

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
}, 60_000);
afterAll(() => database[Symbol.asyncDispose]());

describeStore('postgres', async () => {
  const clock = createFakeClock();
  const store = await openStore({ clock });
  await empty();
  return { store, clock, [Symbol.asyncDispose]: () => store.close() };
});

describeStore('postgres, half of the calls at another coordinator', async () => {
  const clock = createFakeClock();
  const [first, second] = await Promise.all([openStore({ clock }), openStore({ clock })]);
  await empty();
  return {
    // Workers' wake-ups stay where the commit was, so who listens is there, too.
    store: {
      ...second,
      putDelivery: first.putDelivery,
      transact: first.transact,
      subscribe: first.subscribe,
    },
    clock,
    async [Symbol.asyncDispose]() {
      await Promise.all([first.close(), second.close()]);
    },
  };
});

describeStoreUse('postgres', async () => {
  // Makes the tables, where nobody has done so yet.
  await (await openStore()).close();
  await empty();
  return { open: (use) => openStore({ use }), [Symbol.asyncDispose]: empty };
});

describe('two coordinators on one database', () => {
  test('no delivery is claimed by both, and never two of one issue at the same time', async () => {
    await using pair = await openPair();
    const deliveries = Array.from({ length: 60 }, (_, index) => aDelivery({ orderKey: `1#${index % 12}` }));
    for (const delivery of deliveries) await pair.first.putDelivery(delivery);
    const claimed: string[] = [];
    const inHand = new Set<string>();
    const overlaps: string[] = [];

    await Promise.all(
      [pair.first, pair.second, pair.first, pair.second, pair.first, pair.second].map(async (store) => {
        while (claimed.length < deliveries.length) {
          const claim = await store.claimDelivery();
          if (!claim) continue;
          if (inHand.has(claim.orderKey)) overlaps.push(claim.orderKey);
          inHand.add(claim.orderKey);
          claimed.push(claim.guid);
          await new Promise(setImmediate);
          inHand.delete(claim.orderKey);
          await store.finishDelivery(claim);
        }
      }),
    );

    expect(overlaps).toEqual([]);
    expect(claimed.toSorted()).toEqual(deliveries.map(({ guid }) => guid).toSorted());
    // Each issue's in the order of arrival.
    for (const key of new Set(deliveries.map(({ orderKey }) => orderKey))) {
      const ofIssue = deliveries.filter(({ orderKey }) => orderKey === key).map(({ guid }) => guid);
      expect(claimed.filter((guid) => ofIssue.includes(guid))).toEqual(ofIssue);
    }
  });

  test('an installation is worked for by one of them at a time', async () => {
    await using pair = await openPair();
    const { first, second } = pair;
    const count = 40;
    await first.transact(async (tx) => {
      for (let index = 0; index < count; index += 1) {
        const effect = { kind: 'labels', repositoryId: index, fullName: 'acme/widgets' } as const;
        await tx.want({ effect, installationId: index % 3 });
      }
    });
    const inHand = new Set<number>();
    const overlaps: number[] = [];
    let done = 0;

    await Promise.all(
      [first, second, first, second, first, second].map(async (store) => {
        while (done < count) {
          const claim = await store.effects.claim(await store.nowMs(), 60_000);
          if (!claim) continue;
          if (inHand.has(claim.installationId)) overlaps.push(claim.installationId);
          inHand.add(claim.installationId);
          done += 1;
          await new Promise(setImmediate);
          inHand.delete(claim.installationId);
          await store.effects.finish(claim, await store.nowMs());
        }
      }),
    );

    expect(overlaps).toEqual([]);
    expect(await first.effects.countByState()).toEqual({ done: count });
  });

  test('the same delivery sent to both is stored once, however many at a time', async () => {
    await using pair = await openPair();
    const deliveries = Array.from({ length: 200 }, () => aDelivery());

    const answers = await Promise.all([
      ...deliveries.map((delivery) => pair.first.putDelivery(delivery)),
      ...deliveries.toReversed().map((delivery) => pair.second.putDelivery(delivery)),
    ]);

    expect(answers.filter((answer) => answer === 'stored')).toHaveLength(deliveries.length);
  });

  test('a burst of deliveries costs a few commits, not one for each', async () => {
    await using pair = await openPair();
    const commits = async (): Promise<number> => {
      // Rows of one transaction bear its id.
      const [row] = await database.query('select count(distinct xmin::text)::int as n from tasks');
      return Number(row?.['n']);
    };

    await Promise.all(Array.from({ length: 40 }, () => pair.first.putDelivery(aDelivery())));
    const ofBurst = await commits();
    for (let count = 0; count < 5; count += 1) await pair.first.putDelivery(aDelivery());

    expect(ofBurst).toBeLessThanOrEqual(3);
    expect(await commits()).toBe(ofBurst + 5);
  });

  test('there is one live job for an issue, whoever is asked', async () => {
    await using pair = await openPair();

    for (let issue = 1; issue <= 20; issue += 1) {
      const inserted = await Promise.all(
        [pair.first, pair.second].map((store) => store.jobs.insert(forIssue(aStoredJob(), issue))),
      );
      expect(inserted.filter(Boolean)).toHaveLength(1);
    }
  });

  test('of two that answer the same call, the second sees the answer of the first', async () => {
    await using pair = await openPair();
    const answer = (store: Store, body: string) =>
      store.transact(async (tx) => {
        const known = await tx.memory.getAnswer('scope', 'key');
        if (known) return known.body;
        await tx.memory.putAnswer('scope', 'key', { requestHash: 'h', body }, tx.nowMs);
        return body;
      });

    const [one, two] = await Promise.all([answer(pair.first, 'a'), answer(pair.second, 'b')]);

    expect(one).toBe(two);
  });

  test('a repeat that overlaps its first call gets the answer to that one', async () => {
    await using pair = await openPair();
    const job = aStoredJob();
    await pair.first.jobs.insert(job);
    const hasLocked = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const cancel = (store: Store, midway: () => Promise<void>) =>
      store.transact((tx) =>
        answerOnce(tx, 'cancel', { key: 'key', requestHash: 'h' }, async () => {
          const locked = await tx.jobs.lock(job.id);
          if (locked?.state !== job.state) return refused('stale_attempt', `the job is ${locked?.state}`);
          await midway();
          await tx.jobs.move(locked, 'cancelled', { stateReason: 'on purpose' }, tx.nowMs);
          return accepted({ by: 'the first' });
        }),
      );

    const first = cancel(pair.first, async () => {
      hasLocked.resolve();
      await goOn.promise;
    });
    await hasLocked.promise;
    const second = cancel(pair.second, () => Promise.resolve());
    await until(
      'the second waits for the job',
      async () =>
        (
          await database.query(
            `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          )
        ).length > 0,
    );
    goOn.resolve();

    expect(await Promise.all([first, second])).toEqual([
      accepted({ by: 'the first' }),
      accepted({ by: 'the first' }),
    ]);
  });

  test('of two that find the same intent at once, the second waits, and knows it then', async () => {
    await using pair = await openPair();
    const work: string[] = [];
    const accept = (store: Store, name: string) =>
      store.transact(async (tx) => {
        if (!(await tx.memory.rememberTrigger('label', 'taken', tx.nowMs))) return;
        await setTimeout(50);
        work.push(name);
      });

    await Promise.all([accept(pair.first, 'webhook'), accept(pair.second, 'sweep')]);

    expect(work).toHaveLength(1);
  });

  test('two that enrol with one token at two coordinators at once: one is let in', async () => {
    await using pair = await openPair();
    const registries = [pair.first, pair.second].map((store) =>
      createRunnerRegistry({
        store,
        newId: createUuidV7({ clock: systemClock, random: systemRandom }),
        random: systemRandom,
        timings: DEFAULT_TIMINGS,
        coordinatorVersion: 'test',
        log: createTestLogger(),
      }),
    );
    for (let round = 0; round < 10; round += 1) {
      const made = await registries[0]?.createEnrollToken({ specialties: null, expiresInSeconds: null });
      const request = { token: made?.token ?? '', facts: someRunnerFacts() };
      const answers = await Promise.all(
        registries.map((registry) => registry.enroll(request, { key: randomUUID(), requestHash: 'h' })),
      );
      expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    }
    expect(await registries[1]?.list()).toHaveLength(10);
  });

  test('together they have the writes of one hour, no more', async () => {
    await using pair = await openPair();
    const budgets = [pair.first, pair.second].map((store) =>
      createWriteBudget({ perHour: 10, clock: systemClock, shared: createStoredLimits(store) }),
    );

    const takes = await Promise.allSettled(
      Array.from({ length: 24 }, (_, index) => budgets[index % 2]?.take('7') ?? Promise.resolve()),
    );

    expect(takes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    const [refusal] = takes.flatMap((take) => (take.status === 'rejected' ? [take.reason as object] : []));
    expect(refusal).toMatchObject({ kind: 'rate_limited', retryAfterMs: expect.any(Number) });
  });

  test('a turn belongs to one transaction at a time', async () => {
    await using pair = await openPair();
    let inTurn = 0;
    let most = 0;
    const takeTurn = (store: Store) =>
      store.transact(async (tx) => {
        await tx.takeTurn('assign');
        inTurn += 1;
        most = Math.max(most, inTurn);
        await tx.runners.views(tx.nowMs, 1);
        inTurn -= 1;
      });

    await Promise.all([pair.first, pair.second, pair.first, pair.second].map(takeTurn));

    expect(most).toBe(1);
  });

  test('transactions that block each other are run again, and both come through', async () => {
    await using pair = await openPair();
    const [one, two] = [aStoredJob(), forIssue(aStoredJob(), 43)];
    for (const job of [one, two]) await pair.first.jobs.insert(job);
    const bothHaveOne = Promise.withResolvers<void>();
    let waiting = 0;
    const lockBoth = (store: Store, order: (typeof one)[]) => {
      let runs = 0;
      return store.transact(async (tx: StoreTx) => {
        runs += 1;
        for (const job of order) {
          await tx.jobs.lock(job.id);
          waiting += 1;
          if (waiting === 2) bothHaveOne.resolve();
          await bothHaveOne.promise;
        }
        return runs;
      });
    };

    const runs = await Promise.all([lockBoth(pair.first, [one, two]), lockBoth(pair.second, [two, one])]);

    expect(new Set(runs)).toEqual(new Set([1, 2]));
  });

  test('who waits at one hears of what was committed at the other; workers are left alone', async () => {
    await using pair = await openPair();
    const job = aStoredJob();
    const heard: Record<'first' | 'second', WakeTopic[]> = { first: [], second: [] };
    for (const name of ['first', 'second'] as const) {
      pair[name].subscribe((topic) => void heard[name].push(topic));
    }

    await pair.first.transact(async (tx) => {
      await tx.tell(job.id, 'offered', 'x');
      tx.wake('runner:r');
      tx.wake('queue');
    });
    await until('the second heard of it', () => heard.second.includes('runner:r'));
    await pair.second.transact(async (tx) => tx.wake('runner:last'));
    await until('the first heard of it', () => heard.first.includes('runner:last'));

    expect(heard.first).toEqual([`job:${job.id}`, 'runner:r', 'queue', 'runner:last']);
    expect(heard.second.toSorted()).toEqual([`job:${job.id}`, 'runner:last', 'runner:r']);
  });

  test('nobody hears of what was rolled back', async () => {
    await using pair = await openPair();
    const heard: WakeTopic[] = [];
    pair.second.subscribe((topic) => void heard.push(topic));

    const failing = pair.first.transact(async (tx) => {
      tx.wake('runner:never');
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    await pair.first.transact(async (tx) => tx.wake('runner:r'));
    await until('the second heard something', () => heard.length > 0);

    expect(heard).toEqual(['runner:r']);
  });

  test('when connections are cut, everybody looks again, and wake-ups and queries go on', async () => {
    await using pair = await openPair();
    const heard: WakeTopic[] = [];
    pair.second.subscribe((topic) => void heard.push(topic));

    await cutConnections();
    await until('the second listens again', () => heard.includes('all'));
    await pair.first.transact(async (tx) => tx.wake('runner:r'));

    await until('wake-ups go on', () => heard.includes('runner:r'));
    expect(await pair.second.putDelivery(aDelivery())).toBe('stored');
  });

  test('a connection that is cut between two statements fails its transaction and nothing else', async () => {
    await using pair = await openPair();
    const delivery = aDelivery();

    const cut = pair.first.transact(async (tx) => {
      await tx.memory.rememberTrigger('half-way', 'started', tx.nowMs);
      await cutConnections();
      await setTimeout(200);
      await tx.memory.rememberTrigger('never', 'started', tx.nowMs);
    });

    await expect(cut).rejects.toThrow(/terminat|connection/i);
    expect(await pair.first.memory.hasTrigger('half-way')).toBe(false);
    expect(await pair.first.putDelivery(delivery)).toBe('stored');
  });

  test('a database that vanishes without a word is given up on, and reached anew where it is by then', async () => {
    const { port } = new URL(database.url);
    await using vanishing = await createTcpProxy();
    await using front = await createTcpProxy();
    vanishing.lead({ port: Number(port) });
    front.lead({ port: vanishing.port });
    const url = Object.assign(new URL(database.url), { hostname: '127.0.0.1', port: String(front.port) });
    const timings = { ...DEFAULT_TIMINGS, databaseSilentSeconds: 1.5 };
    await using store = await openStore({ url: url.href, timings });
    // More calls than it has connections.
    const calls = () => Promise.allSettled(Array.from({ length: 12 }, () => store.nowMs()));
    await calls();

    vanishing.halfOpen();
    const asked = calls();
    front.lead({ port: Number(port) });
    const answers = await asked;
    const later = await calls();

    const failures = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [String(answer.reason)] : [],
    );
    expect(failures).toEqual(Array(10).fill(expect.stringContaining('silent for 1.5 s')));
    expect(later.filter(({ status }) => status === 'fulfilled')).toHaveLength(12);
  });

  test('work of one that was killed is taken over long before its lease is over; of one that lives, it is not', async () => {
    await using pair = await openPair({
      taskLeaseSeconds: 3600,
      progressReportSeconds: 0.1,
      coordinatorGoneSeconds: 0.2,
      databaseSilentSeconds: DEFAULT_TIMINGS.databaseSilentSeconds,
    });
    const { first, second } = pair;
    const [living, killed] = [aDelivery(), aDelivery()];
    await first.putDelivery(living);
    await first.claimDelivery();
    await first.putDelivery(killed);
    const claimer = await startClaimer();

    claimer.kill('SIGKILL');
    await until('it is taken over', async () => (await second.requeueLapsedTasks()) === 1);

    expect(await second.claimDelivery()).toMatchObject({ guid: killed.guid, attempt: 2 });
    expect(await second.claimDelivery()).toBeNull();
  });
});

test('a coordinator of which no connection is left is taken for gone by others, never by itself', async () => {
  await empty();
  const ended = await openStore();
  await ended.putDelivery(aDelivery());
  await ended.claimDelivery();
  await ended.close();
  const config = { connectionString: database.url };
  await using db = new Kysely<Schema>({ dialect: createPostgresDialect(config, 60_000, createTestLogger()) });
  const { claimed_by: claimant } = await db
    .selectFrom('tasks')
    .select('claimed_by')
    .executeTakeFirstOrThrow();

  const goneFor = (own: number) => createClaimantWatch(systemClock, 0, own)(db);

  expect(await goneFor(Number(claimant))).toEqual([]);
  expect(await goneFor(Number(claimant) + 1)).toEqual([Number(claimant)]);
});

describe('a process that has lost the connection by which others know of it', () => {
  test.each<[StoreUse, string, string]>([
    ['serve', 'a coordinator', 'pg_advisory_lock'],
    ['recover', 'a recovery', 'pg_advisory_lock_shared'],
  ])('%s: changes nothing while another has its place, and goes on afterwards', async (use, _what, lock) => {
    await using store = await openStore({ use });
    await empty();
    let returns = 0;
    store.subscribe((topic) => void (returns += Number(topic === 'all')));
    const other = new Client({ connectionString: database.url });
    await other.connect();
    onTestFinished(() => other.end());
    // As the other use does, but waiting for the moment.
    const taken = other.query(`select ${lock}(${LOCK_CLASS.use}, 0)`);
    await until('it waits', async () => (await database.query(WAITING)).length > 0);

    await cutConnections();
    await taken;

    const change = () => store.transact(async (tx) => tx.sweeps.putMark('a', 'mark'));
    await expect(change()).rejects.toThrow(StoreInUseError);
    await expect(change()).rejects.toThrow(/was lost, and somebody else has the database/);
    expect(await store.sweeps.getMark('a')).toBeNull();
    await other.query(`select pg_advisory_unlock_all()`);
    await until('it is known again', () => returns > 0);
    await change();
    expect(await store.sweeps.getMark('a')).toBe('mark');
  });
});

describe('opening', () => {
  test('any number of coordinators can start at once on an empty database', async () => {
    await using fresh = await createTestDatabase();

    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore({ url: fresh.url })));
    const answers = await Promise.all(stores.map((store) => store.putDelivery(aDelivery())));
    await Promise.all(stores.map((store) => store.close()));

    expect(answers).toEqual(Array(4).fill('stored'));
  });

  test('on one machine, each coordinator needs a folder of its own', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'yardmaster-store-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await using _first = await openStore({ folder });

    await expect(openStore({ folder })).rejects.toThrow(FolderInUseError);
  });

  test('the clock is the database’s', async () => {
    await using store = await openStore();

    const [row] = await database.query('select extract(epoch from clock_timestamp()) * 1000 as now');

    expect(Math.abs((await store.nowMs()) - Number(row?.['now']))).toBeLessThan(5000);
    expect(await store.transact(async (tx) => Number.isInteger(tx.nowMs))).toBe(true);
  });

  test('nothing is left open when it is closed', async () => {
    const store = await openStore();
    await store.transact((tx) => tx.takeTurn('assign'));

    await store.close();

    const connections = `select 1 from pg_stat_activity where application_name like 'yardmaster%' and datname = current_database()`;
    await until('all connections are gone', async () => (await database.query(connections)).length === 0);
  });

  test.each([
    ['a wrong password', { password: 'not-the-password' }, /the password is wrong/],
    ['a database that is not there', { pathname: '/nowhere' }, /no such database\. Make it: createdb/],
    ['a host that nobody knows', { hostname: 'postgres.invalid' }, /host name is not known/],
    ['a port where nothing listens', { port: '1' }, /nothing listens there/],
  ])('%s is told with what to do, and without the password', async (_what, change, message) => {
    const url = Object.assign(new URL(database.url), change);

    const opening = openStore({ url: url.href });

    await expect(opening).rejects.toThrow(DatabaseUnusableError);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toThrow(/DATABASE_URL/);
    await expect(opening).rejects.not.toThrow(new RegExp(url.password));
  });

  test('a user who may not make tables is told so', async () => {
    await using fresh = await createTestDatabase();
    const role = new URL(fresh.url).pathname.slice(1).replace('test', 'role');
    await database.query(`create role ${role} login password 'a-password'`);
    const url = Object.assign(new URL(fresh.url), { username: role, password: 'a-password' });

    const opening = openStore({ url: url.href });

    await expect(opening).rejects.toThrow(/may not make tables there/);
    await database.query(`drop role ${role}`);
  });
});

function openStore(options: Partial<Parameters<typeof createPostgresStore>[0]> = {}): Promise<Store> {
  return createPostgresStore({ url: database.url, log: createTestLogger(), ...options });
}

/** Two on a database with nothing in it, by the database's clock. */
async function openPair(timings?: Parameters<typeof createPostgresStore>[0]['timings']) {
  const options = timings ? { timings } : {};
  const [first, second] = await Promise.all([openStore(options), openStore(options)]);
  await empty();
  return {
    first,
    second,
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all([first.close(), second.close()]);
    },
  };
}

const WAITING = `select 1 from pg_locks where locktype = 'advisory' and classid::bigint = ${LOCK_CLASS.use} and not granted`;

/** The tables are made once and emptied for each test: that is faster than making them. */
async function empty(): Promise<void> {
  await database.query(`do $$ begin execute (
    select 'truncate ' || string_agg(quote_ident(tablename), ', ') from pg_tables
    where schemaname = 'public' and tablename not like 'kysely%'); end $$`);
}

async function cutConnections(): Promise<void> {
  await database.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name like 'yardmaster%' and datname = current_database()`);
}

/** Another process that has claimed a delivery and works on it for ever. */
async function startClaimer() {
  const child = spawn(process.execPath, [CLAIMER], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, DATABASE_URL: database.url },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}
