import { setTimeout } from 'node:timers/promises';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import type { GitHub } from '../../src/github/github.ts';
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

test('a coordinator that lost its listening connection keeps what it works on for as long as it has another', async () => {
  await using world = await openHalfway();
  const { first, second, recorder, connections, halfway, labelled } = world;
  await keepConnections(first, second);
  await connections.cut('listening');
  for (let look = 0; look < 10; look += 1) {
    await setTimeout((GONE_SECONDS * 1000) / 4);
    await keepConnections(first);
    expect(await second.store.requeueLapsedTasks()).toBe(0);
  }
  halfway.goOn();
  const jobId = await labelled;

  const { job, attempt } = await second.jobOf(jobId);
  expect(job.ready).toBe(true);
  expect(recorder.checkRuns).toMatchObject([{ id: attempt.checkRun?.id, headCommit: attempt.startCommit }]);
});

test.each(['halfway', 'done'] as const)(
  'a coordinator that is back from being cut off does nothing more of what was taken over, and is %s by then',
  async (stage) => {
    await using world = await openHalfway();
    const { first, second, recorder, connections, halfway, labelled } = world;
    await keepConnections(second);
    await connections.cut('all');
    await until('it can be taken over', async () => {
      await keepConnections(second);
      return (await second.store.requeueLapsedTasks()) > 0;
    });
    await connections.letIn();
    await first.store.countDeliveries();

    using after = holdAfterStartCommit(recorder.github, 'b');
    if (stage === 'done') after.goOn();
    const takenOver = second.outbox.runDue();
    await (stage === 'done' ? takenOver : after.reached);
    const calls = recorder.calls.length;
    halfway.goOn();
    const jobId = await labelled;
    expect(recorder.calls.slice(calls)).toEqual([]);
    after.goOn();
    await takenOver;

    const { job, attempt } = await second.jobOf(jobId);
    expect(job.ready).toBe(true);
    expect(recorder.checkRuns).toMatchObject([{ id: attempt.checkRun?.id, headCommit: attempt.startCommit }]);
    const others = await first.label({ issueNumber: 43 });
    expect((await first.jobOf(others)).job.ready).toBe(true);
  },
);

/** Whoever makes the next start commit hears of it only when told to go on. */
function holdAfterStartCommit(github: GitHub, mark: string) {
  const { ensureStartCommit } = github;
  const held = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  github.ensureStartCommit = async (...given) => {
    github.ensureStartCommit = ensureStartCommit;
    const made = await ensureStartCommit(...given);
    reached.resolve();
    await held.promise;
    // Told apart by `mark`: what one was told must not be written over by another.
    return { ...made, startCommit: made.startCommit.replace(/^0/, mark) };
  };
  return { reached: reached.promise, goOn: held.resolve, [Symbol.dispose]: held.resolve };
}

/** Of two coordinators the first has a start commit made for what was labelled, and hears of it only when told to go on. */
async function openHalfway() {
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await createTestDatabase());
  const two = opened.use(await openTwo(database));
  const connections = opened.use(await watchConnections(database));
  const halfway = opened.use(holdAfterStartCommit(two.recorder.github, 'a'));
  const labelled = two.first.label();
  await halfway.reached;
  const all = opened.move();
  return { ...two, connections, halfway, labelled, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

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
  return { first, second, recorder, [Symbol.asyncDispose]: () => all.disposeAsync() };
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
    async cut(which: 'listening' | 'all') {
      const found =
        await database.query(`select distinct pid, query from pg_locks join pg_stat_activity using (pid)
        where locktype = 'advisory' and classid::bigint = ${LOCK_CLASS.claimants}
          and objid::bigint in (select claimed_by from tasks where state = 'running')`);
      await allow(false);
      for (const { pid, query } of found) {
        if (which === 'all' || String(query).startsWith('listen'))
          await client.query('select pg_terminate_backend($1)', [pid]);
      }
    },
    letIn: () => allow(true),
    [Symbol.asyncDispose]: () => client.end(),
  };
}
