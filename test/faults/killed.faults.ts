import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ENGINES, type EngineName } from './support/database.ts';
import { FAULT_TIMINGS, PATIENCE_MS } from './support/fault-timings.ts';
import { type FaultYard, OWNER, REPOSITORY, startFaultYard } from './support/fault-yard.ts';
import { hitAgainAndAgain, type Story } from './support/hit-again-and-again.ts';
import { assertNothingLost } from './support/nothing-lost.ts';
import { elapsedMs, noteRecovery } from './support/recovery.ts';

/** What comes by the clock would only be between the writes that count. */
const FEW_NOISE = {
  timings: { heartbeatSeconds: FAULT_TIMINGS.leaseSeconds / 4 },
  tuning: { logBatchMs: { least: 1000, most: 2000 } },
};
const LONG_MS = 20 * PATIENCE_MS;
/** Beside plain work, where every write is hit: fewer kills, for the sake of the suite's time. By way of GitHub everything takes longer. */
const EVERY_NTH = 3;
const EVERY_NTH_BY_GITHUB = 5;

const STORIES = {
  'is cancelled': (yard: FaultYard): Story => ({
    title: 'Please hang',
    end: 'cancelled',
    whenItWorks: (issue) => yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend'),
  }),
  'fails, and is tried again twice': (): Story => ({ title: 'Please crash', end: 'failed' }),
} satisfies Record<string, (yard: FaultYard) => Story>;

describe('coordinator kill -9 at any line', () => {
  const ROW = 'coordinator kill -9 at any line';
  const hitCoordinator = (yard: FaultYard, more: Partial<Parameters<typeof hitAgainAndAgain>[2]>) =>
    hitAgainAndAgain(yard, yard.coordinator(), {
      stride: 12,
      mostHits: 20,
      // What it had not acknowledged when it died, GitHub knows as failed.
      afterRestart: () => yard.redeliverFailed(),
      ...more,
    });

  test.for(ENGINES)(
    'between every two writes of a job, on %s',
    { timeout: LONG_MS },
    async (engine, context) => {
      await using yard = await startFaultYard({ engine, ...FEW_NOISE });
      const writes = [
        '/git/commits',
        '/git/refs',
        '/check-runs',
        '/comments',
        '/pulls',
        ...['jobs', 'attempts', 'tasks'].flatMap((table) => [`insert into ${table}`, `update ${table}`]),
      ];

      const hits = await hitCoordinator(yard, { alsoAt: writes });

      await assertNothingLost(yard, hits.expected);
      for (const write of writes) expect(hits.writes.join('\n')).toContain(write);
      noteRecovery(context, ROW, `${engine}, ${hits.writes.length} kills`, hits.recoveriesMs);
    },
  );

  for (const engine of ENGINES) {
    test(
      `right after it has opened a pull request, which a person closes before it is back, on ${engine}`,
      { tags: ['ci'] },
      async (context) => {
        await using yard = await startFaultYard({ engine });
        yard.coordinator().plan({ like: '/pulls' });
        const issue = await yard.ask();
        await until('it is dead', () => !yard.coordinator().isRunning(), PATIENCE_MS);
        const [opened] = yard.github.state.pullRequests(REPOSITORY);
        await yard.github.as(OWNER).closePullRequest(REPOSITORY, opened?.number ?? 0);

        await yard.coordinator().start();
        const backMs = performance.now();

        // Its webhook is not delivered again: GitHub itself has to be asked.
        await assertNothingLost(yard, { [issue]: ['succeeded'] });
        noteRecovery(context, ROW, `${engine}, its pull request closed meanwhile`, [elapsedMs(backMs)]);
        const [job] = await yard.database.query('select pull_request from jobs');
        expect(JSON.parse(String(job?.['pull_request']))).toMatchObject({
          number: opened?.number,
          ended: { how: 'closed' },
        });
      },
    );
  }

  const OTHER_STORIES: readonly [keyof typeof STORIES, EngineName][] = [
    ['is cancelled', 'sqlite'],
    ['fails, and is tried again twice', 'postgres'],
  ];
  test.for(OTHER_STORIES)(
    'between the writes of a job that %s, on %s',
    { timeout: LONG_MS },
    async ([story, engine], context) => {
      await using yard = await startFaultYard({ engine, ...FEW_NOISE });

      const hits = await hitCoordinator(yard, { story: STORIES[story](yard), everyNth: EVERY_NTH });

      await assertNothingLost(yard, hits.expected);
      const variant = `job ${story}, ${engine}, every ${EVERY_NTH}rd write, ${hits.writes.length} kills`;
      noteRecovery(context, ROW, variant, hits.recoveriesMs);
    },
  );

  test(
    'between the writes of a job whose runner only reaches GitHub',
    { timeout: LONG_MS },
    async (context) => {
      await using yard = await startFaultYard({ ...FEW_NOISE, runners: [] });
      await yard.addRunner('far', { transport: 'github' });
      const writes = ['insert into check_run_mail', 'update check_run_mail', '/check-runs'];

      const hits = await hitCoordinator(yard, { everyNth: EVERY_NTH_BY_GITHUB, alsoAt: writes });

      await assertNothingLost(yard, hits.expected);
      for (const write of writes) expect(hits.writes.join('\n')).toContain(write);
      const variant = `by way of GitHub, every ${EVERY_NTH_BY_GITHUB}th write, ${hits.writes.length} kills`;
      noteRecovery(context, ROW, variant, hits.recoveriesMs);
    },
  );
});

describe('runner kill -9 while running', () => {
  const ROW = 'runner kill -9 while running';

  test('between every two writes of an attempt, and started again', { timeout: LONG_MS }, async (context) => {
    await using yard = await startFaultYard(FEW_NOISE);
    const writes = ['/accept', '/start', 'rename to', 'git push', '/complete'];

    const hits = await hitAgainAndAgain(yard, yard.runner(), { alsoAt: writes });

    await assertNothingLost(yard, hits.expected);
    for (const write of writes) expect(hits.writes.join('\n')).toContain(write);
    noteRecovery(context, ROW, `restarted, ${hits.writes.length} kills`, hits.recoveriesMs);
  });

  test.for(Object.keys(STORIES) as (keyof typeof STORIES)[])(
    'between the writes of an attempt at a job that %s, and started again',
    { timeout: LONG_MS },
    async (story, context) => {
      await using yard = await startFaultYard(FEW_NOISE);

      const hits = await hitAgainAndAgain(yard, yard.runner(), {
        story: STORIES[story](yard),
        everyNth: EVERY_NTH,
      });

      await assertNothingLost(yard, hits.expected);
      const variant = `job ${story}, every ${EVERY_NTH}rd write, ${hits.writes.length} kills`;
      noteRecovery(context, ROW, variant, hits.recoveriesMs);
    },
  );

  test(
    'after its push, where it only reaches GitHub, and started again',
    { tags: ['ci'] },
    async (context) => {
      await using yard = await startFaultYard({ runners: [] });
      const far = await yard.addRunner('far', { transport: 'github' });
      far.plan({ like: 'git push' });
      const issue = await yard.ask();
      await until('it is dead', () => !far.isRunning(), PATIENCE_MS);

      await far.start();
      const backMs = performance.now();

      await assertNothingLost(yard, { [issue]: ['succeeded'] });
      noteRecovery(context, `${ROW}, by way of GitHub`, 'after its push, restarted', [elapsedMs(backMs)]);
    },
  );

  test(
    'between the writes of an attempt that only reaches GitHub, and started again',
    { timeout: LONG_MS },
    async (context) => {
      await using yard = await startFaultYard({ ...FEW_NOISE, runners: [] });
      const runner = await yard.addRunner('far', { transport: 'github' });
      const writes = ['/check-runs', 'git push'];

      const hits = await hitAgainAndAgain(yard, runner, { everyNth: EVERY_NTH_BY_GITHUB, alsoAt: writes });

      await assertNothingLost(yard, hits.expected);
      for (const write of writes) expect(hits.writes.join('\n')).toContain(write);
      const variant = `every ${EVERY_NTH_BY_GITHUB}th write, ${hits.writes.length} kills`;
      noteRecovery(context, `${ROW}, by way of GitHub`, variant, hits.recoveriesMs);
    },
  );
});
