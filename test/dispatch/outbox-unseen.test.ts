import { Client } from 'pg';
import { expect, test } from 'vitest';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { createPostgresStore } from '../../src/store/postgres.ts';
import { LOCK_CLASS } from '../../src/store/postgres-locks.ts';
import type { Store } from '../../src/store/store.ts';
import { openDispatchWorld } from '../support/dispatch-world.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createGitHubRecorder } from '../support/github-recorder.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';

/** What others wait for before they take a coordinator for gone that they don't see. */
const GONE_SECONDS = 1;

test('a coordinator that others can’t see any more creates nothing beside whoever takes over; seen again, it works again', async () => {
  await using database = await createTestDatabase();
  await using two = await openTwo(database);
  const { first, second, recorder, clock } = two;
  await using connections = await watchConnections(database);
  const { ensureStartCommit } = recorder.github;
  const held = Promise.withResolvers<void>();
  using _released = { [Symbol.dispose]: () => held.resolve() };
  const reached = Promise.withResolvers<void>();
  recorder.github.ensureStartCommit = async (...given) => {
    const made = await ensureStartCommit(...given);
    reached.resolve();
    await held.promise;
    return made;
  };

  const labelled = first.label();
  await reached.promise;
  recorder.github.ensureStartCommit = ensureStartCommit;
  await keepConnections(first, second);
  await connections.cutListening();
  await until('the second takes over', async () => {
    await keepConnections(first, second);
    return (await second.store.requeueLapsedTasks()) > 0;
  });
  await second.outbox.runDue();
  held.resolve();
  const jobId = await labelled;

  const { job, attempt } = await second.jobOf(jobId);
  expect(job.ready).toBe(true);
  expect(recorder.checkRuns).toMatchObject([{ id: attempt.checkRun?.id, headCommit: attempt.startCommit }]);

  const others = await first.label({ issueNumber: 43 });
  expect((await first.jobOf(others)).job.ready).toBe(false);
  const before = first.store.presence();
  await connections.letIn();
  await until('it is seen again', async () => first.store.presence() !== before);
  clock.advance(DEFAULT_TIMINGS.effectRetryMaxSeconds);
  await first.outbox.runDue();
  expect((await first.jobOf(others)).job.ready).toBe(true);
  expect(recorder.checkRuns).toHaveLength(2);
});

/** Two coordinators that share a database and GitHub. */
async function openTwo(database: TestDatabase) {
  const clock = createFakeClock();
  const recorder = createGitHubRecorder(clock);
  await using opened = new AsyncDisposableStack();
  const open = async () => {
    const timings = { ...DEFAULT_TIMINGS, coordinatorGoneSeconds: GONE_SECONDS };
    const store = opened.use(
      await createPostgresStore({ url: database.url, log: createTestLogger(), clock, timings }),
    );
    return opened.use(await openDispatchWorld({ store, clock, recorder }));
  };
  const [first, second] = [await open(), await open()];
  const all = opened.move();
  return { first, second, recorder, clock, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** So that none is given back for being idle, when no new ones are let in. */
async function keepConnections(...coordinators: { store: Store }[]): Promise<void> {
  await Promise.all(
    coordinators.flatMap(({ store }) => Array.from({ length: 10 }, () => store.countDeliveries())),
  );
}

async function watchConnections(database: TestDatabase) {
  const url = new URL(database.url);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  const client = new Client({ connectionString: url.href });
  await client.connect();
  const allow = (connections: boolean) =>
    client.query(`alter database ${name} allow_connections ${String(connections)}`);
  return {
    /** Of the coordinator that works on something; nobody is let in any more, while connections that are there go on. */
    async cutListening() {
      const [listening] = await database.query(`select pid from pg_locks
        where locktype = 'advisory' and classid::bigint = ${LOCK_CLASS.claimants}
          and objid::bigint in (select claimed_by from tasks where state = 'running')`);
      await allow(false);
      await client.query('select pg_terminate_backend($1)', [listening?.['pid']]);
    },
    letIn: () => allow(true),
    [Symbol.asyncDispose]: () => client.end(),
  };
}
