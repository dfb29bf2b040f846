import { describe, expect, test } from 'vitest';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { until } from '../support/until.ts';
import { ENGINES } from './support/database.ts';
import { PATIENCE_MS, SWEEP_TIMINGS } from './support/fault-timings.ts';
import { OWNER, REPOSITORY, startFaultYard } from './support/fault-yard.ts';
import { assertNothingLeft, assertNothingLost } from './support/nothing-lost.ts';
import { pass } from './support/pass.ts';
import { elapsedMs, noteRecovery } from './support/recovery.ts';

const ROW = 'webhook twice, late, out of order, never';

describe(ROW, () => {
  test.for(ENGINES)('each event twice: one job, on %s', async (engine, context) => {
    await using yard = await startFaultYard({ engine });
    yard.github.webhooks.faults.duplicateNext(100);
    const askedMs = performance.now();

    const issues = [await yard.ask(), await yard.ask(), await yard.ask()];

    await assertNothingLost(yard, Object.fromEntries(issues.map((issue) => [issue, ['succeeded']])));
    noteRecovery(context, ROW, `twice, ${engine}, three whole jobs`, [elapsedMs(askedMs)]);
  });

  test('label, unlabel, label arrive last first: what stands on the issue counts', async (context) => {
    await using yard = await startFaultYard();
    const person = yard.github.as(OWNER);
    const { number: kept } = await person.openIssue({ repository: REPOSITORY, title: 'Do it', body: '' });
    const { number: dropped } = await person.openIssue({ repository: REPOSITORY, title: 'Do it', body: '' });
    await yard.github.webhooks.idle();
    const askedMs = performance.now();

    yard.github.webhooks.faults.shuffleNext(3);
    await person.addLabel(REPOSITORY, kept, 'agent:backend');
    await person.removeLabel(REPOSITORY, kept, 'agent:backend');
    await person.addLabel(REPOSITORY, kept, 'agent:backend');
    yard.github.webhooks.faults.shuffleNext(2);
    await person.addLabel(REPOSITORY, dropped, 'agent:backend');
    await person.removeLabel(REPOSITORY, dropped, 'agent:backend');
    await yard.github.webhooks.idle();

    await yard.jobIn(kept, 'succeeded');
    noteRecovery(context, ROW, 'out of order, whole job', [elapsedMs(askedMs)]);
    const ofDropped = (await yard.jobs()).filter(({ issue }) => issue === dropped);
    expect(ofDropped.map(({ state }) => state)).toSatisfy((states: string[]) =>
      states.every((state) => state === 'cancelled' || state === 'refused'),
    );
    await assertNothingLost(yard, {
      [kept]: ['succeeded'],
      [dropped]: ofDropped.map(() => ['cancelled', 'refused'] as const),
    });
  });

  test('a label that was removed before its event came starts nothing', async (context) => {
    await using yard = await startFaultYard();
    const person = yard.github.as(OWNER);
    yard.github.webhooks.faults.delay(1500, ({ action }) => action === 'labeled');
    const { number } = await person.openIssue({ repository: REPOSITORY, title: 'Do it', body: '' });
    await person.addLabel(REPOSITORY, number, 'agent:backend');
    await person.removeLabel(REPOSITORY, number, 'agent:backend');
    await yard.github.webhooks.idle();
    const cameMs = performance.now();

    yard.github.webhooks.faults.clear();
    const next = await yard.ask();

    await yard.jobIn(next, 'succeeded');
    noteRecovery(context, ROW, 'late, the next whole job', [elapsedMs(cameMs)]);
    await assertNothingLost(yard, { [number]: [], [next]: ['succeeded'] });
  });

  test(
    'events while the coordinator is down are redelivered, and each is handled once',
    { tags: ['ci'] },
    async (context) => {
      await using yard = await startFaultYard();
      await yard.coordinator().kill();
      const issues = [await yard.ask(), await yard.ask()];
      await yard.github.webhooks.idle();

      await yard.coordinator().start();
      const upMs = performance.now();
      expect(await yard.redeliverFailed()).toBeGreaterThan(0);

      await assertNothingLost(yard, Object.fromEntries(issues.map((issue) => [issue, ['succeeded']])));
      noteRecovery(context, ROW, 'refused while down, redelivered', [elapsedMs(upMs)]);
    },
  );

  test.for(ENGINES)(
    'never, since the coordinator was down: its own sweep has GitHub send it again, on %s',
    async (engine, context) => {
      await using yard = await startFaultYard({
        engine,
        // Too young for the look through the issues, which comes first after a start.
        timings: { ...SWEEP_TIMINGS, issueSweepGraceSeconds: DEFAULT_TIMINGS.issueSweepGraceSeconds },
      });
      await yard.coordinator().kill();
      const issue = await yard.ask();
      await yard.github.webhooks.idle();

      await yard.coordinator().start();
      const upMs = performance.now();

      await yard.jobIn(issue, 'succeeded');
      noteRecovery(context, ROW, `refused while down, swept, ${engine}, whole job`, [elapsedMs(upMs)]);
      await assertNothingLost(yard, { [issue]: ['succeeded'] });
      const labelled = yard.github.webhooks.deliveries().filter(({ action }) => action === 'labeled');
      expect(labelled.map(({ statusCode, redelivery }) => ({ statusCode, redelivery }))).toEqual([
        { statusCode: 502, redelivery: false },
        { statusCode: 202, redelivery: true },
      ]);
    },
  );

  test.for(ENGINES)(
    'never, a label and the removal of one: found by the look through the issues, on %s',
    async (engine, context) => {
      await using yard = await startFaultYard({
        engine,
        // GitHub lists what it could not deliver, too; that is looked at once at the start, and then not before this test is over.
        timings: { ...SWEEP_TIMINGS, deliverySweepSeconds: DEFAULT_TIMINGS.deliverySweepSeconds },
      });
      const calledOff = await yard.ask('Please hang');
      await yard.jobIn(calledOff, 'running');

      yard.github.webhooks.faults.dropNext(2, ({ action }) => action === 'labeled' || action === 'unlabeled');
      await yard.github.as(OWNER).removeLabel(REPOSITORY, calledOff, 'agent:backend');
      const askedFor = await yard.ask();
      const lostMs = performance.now();

      await yard.jobIn(calledOff, 'cancelled');
      await yard.jobIn(askedFor, 'succeeded');
      noteRecovery(context, ROW, `dropped, ${engine}, until both jobs have ended`, [elapsedMs(lostMs)]);
      await assertNothingLost(yard, { [calledOff]: ['cancelled'], [askedFor]: ['succeeded'] });
      const lost = yard.github.webhooks.deliveries().filter(({ statusCode }) => statusCode >= 300);
      expect(lost.map(({ action }) => action)).toEqual(['unlabeled', 'labeled']);
      expect(yard.github.webhooks.deliveries().filter(({ redelivery }) => redelivery)).toEqual([]);
    },
  );
});

describe('cancel at any moment', () => {
  const ROW = 'cancel at any moment';

  test.for(ENGINES)('offered to a runner that does not answer: withdrawn, on %s', async (engine, context) => {
    await using yard = await startFaultYard({ engine });
    yard.runner().pause();
    const issue = await yard.ask();
    await yard.jobIn(issue, 'offered');

    await yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend');
    const removedMs = performance.now();

    await yard.jobIn(issue, 'cancelled');
    noteRecovery(context, ROW, `offered, ${engine}`, [elapsedMs(removedMs)]);
    yard.runner().resume();
    await assertNothingLost(yard, { [issue]: ['cancelled'] });
  });

  for (const engine of ENGINES) {
    test(
      `running: the agent is gone, on ${engine}`,
      { tags: engine === 'sqlite' ? ['ci'] : [] },
      async (context) => {
        await using yard = await startFaultYard({ engine });
        const issue = await yard.ask('Please hang');
        await yard.jobIn(issue, 'running');

        await yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend');
        const removedMs = performance.now();

        await yard.jobIn(issue, 'cancelled');
        noteRecovery(context, ROW, `running, ${engine}`, [elapsedMs(removedMs)]);
        await assertNothingLost(yard, { [issue]: ['cancelled'] });
      },
    );
  }

  test.for(ENGINES)(
    'running on a runner that hears nothing: cancelled without it, and it publishes nothing, on %s',
    async (engine, context) => {
      await using yard = await startFaultYard({ engine });
      const issue = await yard.ask('Please wait');
      await yard.jobIn(issue, 'running');
      yard.runner().pause();

      await yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend');
      const removedMs = performance.now();
      await yard.goOn();

      await yard.jobIn(issue, 'cancelled');
      noteRecovery(context, `${ROW}, the runner asleep`, `running, ${engine}`, [elapsedMs(removedMs)]);
      yard.runner().resume();
      await assertNothingLost(yard, { [issue]: ['cancelled'] });
    },
  );

  test.for(ENGINES)(
    'finishing: whichever is first counts, and GitHub shows the same, on %s',
    async (engine, context) => {
      await using yard = await startFaultYard({ engine });
      const runner = yard.runner();
      runner.plan({ act: 'SIGSTOP', like: 'about to push' });
      const issue = await yard.ask();
      await until('it is about to push', () => runner.isHit(), PATIENCE_MS);

      await yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend');
      await until(
        'the event was handled',
        async () => (await yard.jobs())[0]?.state !== 'finishing',
        PATIENCE_MS,
      );
      const removedMs = performance.now();
      runner.resume();

      await yard.jobIn(issue, 'cancelled', 'succeeded');
      noteRecovery(context, ROW, `finishing, ${engine}`, [elapsedMs(removedMs)]);
      await assertNothingLost(yard, { [issue]: [['cancelled', 'succeeded']] });
    },
  );
});

describe('app uninstalled, repository removed, issue closed, transferred, locked', () => {
  const ROW = 'app uninstalled, repository removed, issue closed, transferred';

  type Yard = Awaited<ReturnType<typeof startFaultYard>>;
  /** After the event: whether issue and repository can still be looked at, and are told of the end. */
  type Left = 'all there' | 'out of reach';
  const EVENTS: readonly [string, Left, (yard: Yard, issue: number) => Promise<unknown>][] = [
    ['issue closed', 'all there', (yard, issue) => yard.github.as(OWNER).closeIssue(REPOSITORY, issue)],
    ['issue deleted', 'out of reach', (yard, issue) => yard.github.as(OWNER).deleteIssue(REPOSITORY, issue)],
    [
      'issue transferred',
      'out of reach',
      async (yard, issue) => {
        await yard.github.createRepository({ owner: OWNER, name: 'elsewhere' });
        return yard.github.as(OWNER).transferIssue(REPOSITORY, issue, `${OWNER}/elsewhere`);
      },
    ],
    ['issue locked', 'all there', (yard, issue) => yard.github.as(OWNER).lockIssue(REPOSITORY, issue)],
    [
      'repository removed',
      'out of reach',
      (yard) => yard.github.removeRepositories(yard.installationId, [REPOSITORY]),
    ],
    ['app uninstalled', 'out of reach', (yard) => yard.github.uninstall(yard.installationId)],
    ['app suspended', 'out of reach', (yard) => yard.github.suspend(yard.installationId)],
  ];

  test.for(EVENTS)(
    '%s in the middle of a run: cancelled with the reason, and the agent is gone',
    async ([event, left, happen], context) => {
      await using yard = await startFaultYard();
      const issue = await yard.ask('Please hang');
      await yard.jobIn(issue, 'running');

      await happen(yard, issue);
      const happenedMs = performance.now();

      const job = await yard.jobIn(issue, 'cancelled');
      noteRecovery(context, ROW, event, [elapsedMs(happenedMs)]);
      expect(job.reason).toMatch(/closed|deleted|transferred|moved|uninstalled|suspended|locked|removed/i);
      await until(
        'its agent is gone',
        async () => (await yard.coordinator().operator.runners())[0]?.active === 0,
      );
      await pass(500);
      expect(yard.github.state.pullRequests(REPOSITORY)).toEqual([]);
      if (left === 'all there') await assertNothingLost(yard, { [issue]: ['cancelled'] });
      else await assertNothingLeft(yard);
    },
  );
});
