import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { until } from '../support/until.ts';
import { ENGINES } from './support/database.ts';
import { PATIENCE_MS } from './support/fault-timings.ts';
import { type FaultYard, type Runner, startFaultYard } from './support/fault-yard.ts';
import { assertNothingLost } from './support/nothing-lost.ts';
import { pass } from './support/pass.ts';
import { elapsedMs, noteRecovery } from './support/recovery.ts';

describe('network cut runner ↔ coordinator < 210 s', () => {
  const CUTS: readonly [string, (network: Runner['network']) => void][] = [
    ['connections are cut and refused', (network) => network.cut()],
    ['half open: nothing passes', (network) => network.halfOpen()],
    ['requests arrive, answers do not', (network) => network.swallowAnswers()],
    ['everything takes 300 ms more', (network) => network.delay(300)],
  ];

  test.for(CUTS)('%s: the work goes on, and nothing of the log is lost', async ([variant, cut], context) => {
    await using yard = await startFaultYard();
    const issue = await yard.ask('Please wait');
    await untilRunning(yard);
    const { network } = yard.runner();

    cut(network);
    await pass(2000);
    network.mend();
    const mendedMs = performance.now();
    await yard.goOn();

    await yard.jobIn(issue, 'succeeded');
    noteRecovery(context, 'network cut runner ↔ coordinator < 210 s', variant, [elapsedMs(mendedMs)]);
    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    expect((await yard.jobs())[0]?.attempt).toBe(1);
    expect(await logOf(yard, issue)).toMatch(
      /=== prepare ===[^]*waiting for [^]*=== publish ===[^]*=== pull_request/,
    );
  });

  test.for(CUTS)('the same for a runner that only reaches GitHub: %s', async ([variant, cut], context) => {
    await using yard = await startFaultYard({ runners: [] });
    const { network } = await yard.addRunner('far', { transport: 'github' });
    const issue = await yard.ask('Please wait');
    await untilRunning(yard);

    cut(network);
    await pass(2000);
    await yard.goOn();
    await pass(1000);
    network.mend();
    const mendedMs = performance.now();

    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    expect((await yard.jobs())[0]?.attempt).toBe(1);
    const row = 'network cut runner ↔ GitHub, by way of GitHub';
    noteRecovery(context, row, variant, [elapsedMs(mendedMs)]);
  });

  test(
    'the agent finishes while the network is cut: its result is kept and told afterwards',
    { tags: ['ci'] },
    async (context) => {
      await using yard = await startFaultYard();
      const issue = await yard.ask('Please wait');
      await untilRunning(yard);

      yard.runner().network.cut();
      await yard.goOn();
      await pass(2000);
      yard.runner().network.mend();
      const mendedMs = performance.now();

      await yard.jobIn(issue, 'succeeded');
      noteRecovery(context, 'network cut runner ↔ coordinator < 210 s', 'while the agent finishes', [
        elapsedMs(mendedMs),
      ]);
      await assertNothingLost(yard, { [issue]: ['succeeded'] });
      expect((await yard.jobs())[0]?.attempt).toBe(1);
    },
  );
});

describe('accept or complete reply lost', () => {
  test.for(ENGINES)(
    'a repeat gets the stored answer, whichever call it was, on %s',
    async (engine, context) => {
      await using yard = await startFaultYard({ engine });
      const calls = ['accept', 'start', 'heartbeat', 'log', 'evidence', 'token', 'complete', 'poll'];
      const expected: Record<number, ['succeeded']> = {};
      const recoveries: number[] = [];

      for (const call of calls) {
        yard.coordinator().plan({ act: 'lose', like: `/${call}` });
        const askedMs = performance.now();
        const issue = await yard.ask();
        await yard.jobIn(issue, 'succeeded');
        recoveries.push(elapsedMs(askedMs));
        expect(yard.coordinator().takeHit(), `the lost answer to ${call}`).toContain(`/${call}`);
        expected[issue] = ['succeeded'];
      }

      await assertNothingLost(yard, expected);
      expect((await yard.jobs()).map(({ attempt }) => attempt)).toEqual(calls.map(() => 1));
      noteRecovery(
        context,
        'accept or complete reply lost',
        `each call in turn, ${engine}, whole job`,
        recoveries,
      );
    },
  );
});

describe('coordinator ↔ GitHub cut', () => {
  test('jobs go on until they need a token, and all catches up afterwards', async (context) => {
    await using yard = await startFaultYard();
    const issue = await yard.ask('Please wait');
    await untilRunning(yard);

    yard.toGitHub.cut();
    await yard.goOn();
    await pass(3000);
    expect((await yard.jobs())[0]).toMatchObject({ attempt: 1 });
    const late = await yard.ask();
    await pass(500);
    yard.toGitHub.mend();
    const mendedMs = performance.now();

    await assertNothingLost(yard, { [issue]: ['succeeded'], [late]: ['succeeded'] });
    noteRecovery(context, 'coordinator ↔ GitHub cut, secondary rate limit', 'cut for 3.5 s', [
      elapsedMs(mendedMs),
    ]);
  });

  test('GitHub answers everything late', async (context) => {
    await using yard = await startFaultYard();
    yard.toGitHub.delay(400);
    const askedMs = performance.now();

    const issue = await yard.ask();

    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    noteRecovery(
      context,
      'coordinator ↔ GitHub cut, secondary rate limit',
      '400 ms late each way, whole job',
      [elapsedMs(askedMs)],
    );
  });
});

/** The newest attempt's log, as the operator reads it. */
async function logOf(yard: FaultYard, issue: number): Promise<string> {
  const { operator } = yard.coordinator();
  const job = (await operator.jobs()).find((one) => one.issue.number === issue);
  const pieces = operator.followLog(job?.id ?? '', {
    follow: false,
    clock: systemClock,
    signal: new AbortController().signal,
  });
  return (await Array.fromAsync(pieces)).join('');
}

async function untilRunning(yard: FaultYard): Promise<void> {
  await until('the agent works', async () => (await yard.jobs()).at(-1)?.state === 'running', PATIENCE_MS);
}
