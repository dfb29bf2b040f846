import { describe, expect, test } from 'vitest';
import { createTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { PATIENCE_MS } from './support/fault-timings.ts';
import { OWNER, REPOSITORY, startFaultYard } from './support/fault-yard.ts';
import { assertNothingLost } from './support/nothing-lost.ts';
import { startOwnPostgres } from './support/own-postgres.ts';
import { pass } from './support/pass.ts';
import { elapsedMs, noteRecovery } from './support/recovery.ts';

describe('database restart or failover', () => {
  const ROW = 'database restart or failover';

  test.for(['stop', 'crash'] as const)(
    'PostgreSQL is gone by %s in the middle of many jobs, and comes back',
    async (how, context) => {
      const postgres = await startOwnPostgres();
      await using yard = await startFaultYard({
        database: postgres,
        runners: ['one', 'two'],
        // Longer than the outage, also where starting PostgreSQL takes its time: what starts processes is not 40 times faster.
        timings: { leaseSeconds: 60 },
      });
      const waiting = [await yard.ask('Please wait'), await yard.ask('Please wait')];
      for (const issue of waiting) await yard.jobIn(issue, 'running');
      const before = await Promise.all(Array.from({ length: 6 }, () => yard.ask()));

      await postgres.end(how);
      const during = [await yard.ask(), await yard.ask()];
      await yard.goOn();
      await pass(2000);
      expect(yard.coordinator().isRunning()).toBe(true);
      await postgres.start();
      const upMs = performance.now();
      await yard.redeliverFailed();

      const all = [...waiting, ...before, ...during];
      await assertNothingLost(yard, Object.fromEntries(all.map((issue) => [issue, ['succeeded']])));
      noteRecovery(context, ROW, `PostgreSQL, ${how}, 2 s, ${all.length} jobs`, [elapsedMs(upMs)]);
      const ofWaiting = (await yard.jobs()).filter(({ issue }) => waiting.includes(issue));
      expect(ofWaiting.map(({ attempt }) => attempt)).toEqual([1, 1]);
    },
  );

  test('PostgreSQL vanishes without a word in the middle of jobs, and is elsewhere by then', async (context) => {
    const postgres = await startOwnPostgres();
    const { port } = new URL(postgres.url ?? '');
    await using vanishing = await createTcpProxy();
    await using front = await createTcpProxy();
    vanishing.lead({ port: Number(port) });
    front.lead({ port: vanishing.port });
    const url = Object.assign(new URL(postgres.url ?? ''), {
      hostname: '127.0.0.1',
      port: String(front.port),
    });
    await using yard = await startFaultYard({
      database: { ...postgres, url: url.href },
      // Longer than connections are believed in, as in production.
      timings: { leaseSeconds: 60 },
    });
    const waiting = await yard.ask('Please wait');
    await yard.jobIn(waiting, 'running');
    const before = await yard.ask();

    vanishing.halfOpen();
    front.lead({ port: Number(port) });
    const goneMs = performance.now();
    await yard.goOn();
    await yard.jobIn(waiting, 'succeeded');
    // What it could not acknowledge meanwhile.
    await yard.redeliverFailed();

    await assertNothingLost(yard, { [waiting]: ['succeeded'], [before]: ['succeeded'] });
    noteRecovery(context, ROW, 'PostgreSQL, gone without a word', [elapsedMs(goneMs)]);
    expect((await yard.jobs()).map(({ attempt }) => attempt)).toEqual([1, 1]);
    // The connection that listens is idle, and its silence is what keep-alive would find out about: the proxy answers that.
    vanishing.cut();
  });

  test('no lease is judged right after the database was away for longer than a lease', async (context) => {
    const postgres = await startOwnPostgres();
    await using yard = await startFaultYard({
      database: postgres,
      // The runner would stop itself first; what is looked at here is the coordinator alone.
      tuning: { timings: { leaseSafetySeconds: -60 } },
    });
    const issue = await yard.ask('Please wait');
    await yard.jobIn(issue, 'running');

    await postgres.end('stop');
    await pass((yard.timings.leaseSeconds + yard.timings.leaseGraceSeconds + 1) * 1000);
    await postgres.start();
    const upMs = performance.now();
    await yard.goOn();

    await yard.jobIn(issue, 'succeeded');
    noteRecovery(context, ROW, 'away for longer than a lease', [elapsedMs(upMs)]);
    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    expect((await yard.jobs())[0]?.attempt).toBe(1);
  });
});

describe('one of several coordinators dies', () => {
  const ROW = 'one of several coordinators dies';

  test('the other one serves its webhooks, runners and side effects', async (context) => {
    await using yard = await startFaultYard({ engine: 'postgres', coordinators: 2 });
    const [first, second] = [yard.coordinator(1), yard.coordinator(2)];
    yard.leadTo(first.port());
    yard.runner().network.dropConnections();
    const waiting = await yard.ask('Please wait');
    await yard.jobIn(waiting, 'running');
    const recoveries: number[] = [];
    const writes: string[] = [];
    const expected: Record<number, ['succeeded']> = { [waiting]: ['succeeded'] };

    for (const nth of [3, 9, 15, 21]) {
      yard.leadTo(first.port());
      first.plan({ nth });
      const issue = await yard.ask();
      expected[issue] = ['succeeded'];
      // Work belongs to whoever is first: the other one may leave it fewer writes than that, and then the job just gets done.
      await until(
        'the first one is dead, or the job is done',
        async () =>
          !first.isRunning() ||
          (await yard.jobs()).some((job) => job.issue === issue && job.state === 'succeeded'),
        PATIENCE_MS,
      );
      const write = first.takeHit();
      if (write !== null) writes.push(write);
      await first.kill();
      const deadMs = performance.now();
      yard.leadTo(second.port());
      await yard.redeliverFailed();
      await yard.jobIn(issue, 'succeeded');
      await until(
        'its pull request is told of',
        () => yard.github.state.comments(REPOSITORY, issue)[0]?.body?.includes('/pull/') === true,
        PATIENCE_MS,
      );
      if (write !== null) recoveries.push(elapsedMs(deadMs));
      await first.start();
    }

    await yard.goOn();
    await assertNothingLost(yard, expected);
    expect(writes, 'writes at which it died').not.toEqual([]);
    noteRecovery(context, ROW, 'until the job is done by the other', recoveries);
  });

  test('asleep for longer than everything: what it still wants to do on waking is fenced', async (context) => {
    await using yard = await startFaultYard({ engine: 'postgres', coordinators: 2 });
    const [first, second] = [yard.coordinator(1), yard.coordinator(2)];
    yard.leadTo(first.port());
    first.plan({ act: 'SIGSTOP', like: 'check-runs' });
    const issue = await yard.ask();
    await until('it sleeps in the middle of a side effect', () => first.isHit(), PATIENCE_MS);
    yard.leadTo(second.port());
    yard.runner().network.dropConnections();
    const asleepMs = performance.now();

    await yard.jobIn(issue, 'succeeded');
    noteRecovery(context, ROW, 'asleep in the middle of a side effect', [elapsedMs(asleepMs)]);
    first.resume();
    await pass(1000);

    await assertNothingLost(yard, { [issue]: ['succeeded'] });
  });
});

describe('coordinator asleep', () => {
  test('the only coordinator sleeps longer than a lease: the runner stops itself, and the job is done on waking', async (context) => {
    await using yard = await startFaultYard();
    const issue = await yard.ask('Please wait');
    await yard.jobIn(issue, 'running');

    yard.coordinator().pause();
    await until(
      'the runner gives up',
      () => yard.runner().output().includes('An attempt is over'),
      PATIENCE_MS,
    );
    await yard.goOn();
    yard.coordinator().resume();
    const awakeMs = performance.now();

    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    noteRecovery(context, 'coordinator kill -9 at any line', 'asleep for longer than a lease', [
      elapsedMs(awakeMs),
    ]);
    await yard.github.as(OWNER).closeIssue(REPOSITORY, issue);
  });
});
