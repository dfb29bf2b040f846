import { describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ENGINES } from './support/database.ts';
import { PATIENCE_MS } from './support/fault-timings.ts';
import { OWNER, REPOSITORY, startFaultYard } from './support/fault-yard.ts';
import { assertNothingLost } from './support/nothing-lost.ts';
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
});

describe('cancel at any moment', () => {
  const ROW = 'cancel at any moment';

  test('offered to a runner that does not answer: withdrawn', async (context) => {
    await using yard = await startFaultYard();
    yard.runner().pause();
    const issue = await yard.ask();
    await yard.jobIn(issue, 'offered');

    await yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend');
    const removedMs = performance.now();

    await yard.jobIn(issue, 'cancelled');
    noteRecovery(context, ROW, 'offered', [elapsedMs(removedMs)]);
    yard.runner().resume();
    await assertNothingLost(yard, { [issue]: ['cancelled'] });
  });

  test('running: the agent is gone', async (context) => {
    await using yard = await startFaultYard();
    const issue = await yard.ask('Please hang');
    await yard.jobIn(issue, 'running');

    await yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend');
    const removedMs = performance.now();

    await yard.jobIn(issue, 'cancelled');
    noteRecovery(context, ROW, 'running', [elapsedMs(removedMs)]);
    await assertNothingLost(yard, { [issue]: ['cancelled'] });
  });

  test('running on a runner that hears nothing: cancelled without it, and it publishes nothing', async (context) => {
    await using yard = await startFaultYard();
    const issue = await yard.ask('Please wait');
    await yard.jobIn(issue, 'running');
    yard.runner().pause();

    await yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend');
    const removedMs = performance.now();
    await yard.goOn();

    await yard.jobIn(issue, 'cancelled');
    noteRecovery(context, ROW, 'running, the runner asleep', [elapsedMs(removedMs)]);
    yard.runner().resume();
    await assertNothingLost(yard, { [issue]: ['cancelled'] });
  });

  test('finishing: whichever is first counts, and GitHub shows the same', async (context) => {
    await using yard = await startFaultYard();
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
    noteRecovery(context, ROW, 'finishing', [elapsedMs(removedMs)]);
    await assertNothingLost(yard, { [issue]: [['cancelled', 'succeeded']] });
  });
});

describe('app uninstalled, repository removed, issue closed, transferred, locked', () => {
  const ROW = 'app uninstalled, repository removed, issue closed, transferred';

  type Yard = Awaited<ReturnType<typeof startFaultYard>>;
  const EVENTS: readonly [string, (yard: Yard, issue: number) => Promise<unknown>][] = [
    ['issue closed', (yard, issue) => yard.github.as(OWNER).closeIssue(REPOSITORY, issue)],
    ['issue deleted', (yard, issue) => yard.github.as(OWNER).deleteIssue(REPOSITORY, issue)],
    [
      'issue transferred',
      async (yard, issue) => {
        await yard.github.createRepository({ owner: OWNER, name: 'elsewhere' });
        return yard.github.as(OWNER).transferIssue(REPOSITORY, issue, `${OWNER}/elsewhere`);
      },
    ],
    ['issue locked', (yard, issue) => yard.github.as(OWNER).lockIssue(REPOSITORY, issue)],
    ['repository removed', (yard) => yard.github.removeRepositories(yard.installationId, [REPOSITORY])],
    ['app uninstalled', (yard) => yard.github.uninstall(yard.installationId)],
    ['app suspended', (yard) => yard.github.suspend(yard.installationId)],
  ];

  test.for(EVENTS)(
    '%s in the middle of a run: cancelled with the reason, and the agent is gone',
    async ([event, happen], context) => {
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
    },
  );
});
