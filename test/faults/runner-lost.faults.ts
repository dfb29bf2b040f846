import { describe, expect, test } from 'vitest';
import { BUDGETS } from '../../src/domain/timings.ts';
import { DEFAULT_LIMITS } from '../../src/runner/phases/phase.ts';
import { until } from '../support/until.ts';
import { PATIENCE_MS } from './support/fault-timings.ts';
import { type FaultYard, startFaultYard } from './support/fault-yard.ts';
import { assertNothingLost, strayProcesses } from './support/nothing-lost.ts';
import { pass } from './support/pass.ts';
import { elapsedMs, noteRecovery } from './support/recovery.ts';

describe('runner kill -9 while running', () => {
  test(
    'not started again: the lease lapses, and the job goes to another one',
    { tags: ['ci'] },
    async (context) => {
      await using yard = await startFaultYard();
      const issue = await yard.ask('Please wait');
      await agentWorks(yard);
      await yard.addRunner('two');

      await yard.runner('one').kill();
      const killedMs = performance.now();
      await yard.goOn();

      await yard.jobIn(issue, 'succeeded');
      noteRecovery(context, 'runner kill -9 while running', 'not restarted', [elapsedMs(killedMs)]);
      // What it left running belongs to nobody else on that machine: the next start ends it.
      await yard.runner('one').start();
      await assertNothingLost(yard, { [issue]: ['succeeded'] });
      expect((await yard.jobs())[0]?.attempt).toBe(2);
    },
  );

  test('an agent that outlives its runner is ended when that comes back', async (context) => {
    await using yard = await startFaultYard();
    const issue = await yard.ask('Please hang');
    await agentWorks(yard);
    const agents = strayProcesses(yard);

    await yard.runner().kill();
    const killedMs = performance.now();
    await yard.runner().start();

    await until('its agent is gone', () => strayProcesses(yard).every((pid) => !agents.includes(pid)));
    noteRecovery(context, 'runner kill -9 while running', 'left-overs ended', [elapsedMs(killedMs)]);
    await yard.jobIn(issue, 'running');
    await yard.github.as('octavia').closeIssue('octavia/workshop', issue);
    await assertNothingLost(yard, { [issue]: ['cancelled'] });
  });
});

describe('longer cut', () => {
  test('the runner stops itself before the job goes to another one', async (context) => {
    await using yard = await startFaultYard();
    const issue = await yard.ask('Please wait');
    await agentWorks(yard);
    await yard.addRunner('two');
    const agents = strayProcesses(yard);

    yard.runner('one').network.cut();
    await until(
      'its agent is ended',
      () => strayProcesses(yard).every((pid) => !agents.includes(pid)),
      PATIENCE_MS,
    );
    const [early] = await yard.jobs();
    expect(early, 'nobody else may have it before').toMatchObject({ attempt: 1, state: 'running' });
    const stoppedMs = performance.now();
    await yard.goOn();

    await yard.jobIn(issue, 'succeeded');
    noteRecovery(context, 'longer cut', 'requeued after the runner stopped itself', [elapsedMs(stoppedMs)]);
    yard.runner('one').network.mend();
    await assertNothingLost(yard, { [issue]: ['succeeded'] });
  });

  test('its calls for the old attempt are refused as stale, and its push is refused by git', async (context) => {
    await using yard = await startFaultYard({
      // The runner would end its push by itself first, and its token ends with the attempt; what is looked at is what stands behind both.
      tuning: { timings: { leaseSafetySeconds: -600 } },
    });
    yard.github.faults.add({ method: 'DELETE', path: '/installation/token', status: 200 });
    const one = yard.runner('one');
    one.plan({ act: 'SIGSTOP', like: 'about to push' });
    const issue = await yard.ask();
    await until('it is about to push, and asleep', () => one.isHit(), PATIENCE_MS);
    expect(one.takeHit()).toBe('about to push');
    const asleepMs = performance.now();
    await yard.addRunner('two');
    await yard.jobIn(issue, 'succeeded');
    noteRecovery(context, 'longer cut', 'runner stopped right before its push', [elapsedMs(asleepMs)]);
    const before = one.output().length;

    // Before it hears from the coordinator, it pushes.
    one.network.cut();
    one.plan({ act: 'SIGSTOP', like: 'git push' });
    one.resume();
    await until('its push is over', () => one.isHit(), PATIENCE_MS);
    expect(one.takeHit()).toBe('git push (exit 1)');
    one.network.mend();
    one.resume();

    await until(
      'it has dropped the attempt',
      () => one.output().slice(before).includes('An attempt is over'),
      PATIENCE_MS,
    );
    // In the words of `stale_attempt`.
    expect(one.output().slice(before)).toContain('This attempt is not yours any more');
    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    const next = await yard.ask();
    await assertNothingLost(yard, { [issue]: ['succeeded'], [next]: ['succeeded'] });
  });
});

describe('laptop sleeps', () => {
  const TRANSPORTS = ['coordinator', 'github'] as const;
  test.for(TRANSPORTS)(
    'on wake nothing stale is published: a runner by way of the %s',
    async (transport, context) => {
      await using yard = await startFaultYard({ runners: [] });
      const one = await yard.addRunner('one', { transport });
      const issue = await yard.ask('Please wait');
      await agentWorks(yard);
      await yard.addRunner('two');

      one.pause();
      await until(
        'the job is with the other one',
        async () => (await yard.jobs())[0]?.attempt === 2,
        PATIENCE_MS,
      );
      await yard.goOn();
      await yard.jobIn(issue, 'succeeded');
      one.resume();
      const awakeMs = performance.now();

      await until(
        'it is at its old attempt no more',
        () => one.output().includes('An attempt is over'),
        PATIENCE_MS,
      );
      noteRecovery(context, 'laptop sleeps', `asleep longer than the lease, by way of the ${transport}`, [
        elapsedMs(awakeMs),
      ]);
      await assertNothingLost(yard, { [issue]: ['succeeded'] });
    },
  );

  test('a nap shorter than the lease costs nothing', async (context) => {
    await using yard = await startFaultYard();
    const issue = await yard.ask('Please wait');
    await agentWorks(yard);

    yard.runner().pause();
    await pass(2000);
    yard.runner().resume();
    const awakeMs = performance.now();
    await yard.goOn();

    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    expect((await yard.jobs())[0]?.attempt).toBe(1);
    noteRecovery(context, 'laptop sleeps', 'asleep for a third of the lease', [elapsedMs(awakeMs)]);
  });
});

describe('two runners with one identity', () => {
  test('the newer one supersedes the older one, which leaves, and the job goes on with it', async (context) => {
    await using yard = await startFaultYard();
    const one = yard.runner('one');
    const issue = await yard.ask('Please wait');
    await agentWorks(yard);

    const twin = await yard.addRunner('twin', {
      keyFile: `${one.workspaceRoot}/.yardmaster/runner-key.json`,
    });
    const bornMs = performance.now();

    expect(await one.exited()).toBe(6);
    noteRecovery(context, 'two runners with one identity', 'the older one leaves', [elapsedMs(bornMs)]);
    await yard.goOn();
    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    expect(twin.isRunning()).toBe(true);
  });
});

describe('two runners with one identity, in turns', () => {
  test('they get no work, and the operator is told why', async (context) => {
    await using yard = await startFaultYard({
      timings: { heartbeatSeconds: 15, takeoverWindowSeconds: 300, sharedIdentitySeconds: 600 },
    });
    const one = yard.runner('one');
    const { operator } = yard.coordinator();
    const twin = await yard.addRunner('twin', {
      keyFile: `${one.workspaceRoot}/.yardmaster/runner-key.json`,
    });
    const bornMs = performance.now();

    for (let turn = 0; turn < BUDGETS.sessionTakeovers; turn += 1) {
      const next = turn % 2 === 0 ? one : twin;
      await until('the older one has left', () => !next.isRunning(), PATIENCE_MS);
      await next.start();
    }

    const shared = await until(
      'the identity gets no work',
      async () => (await operator.runners()).find(({ quarantinedUntilMs }) => quarantinedUntilMs !== null),
      PATIENCE_MS,
      100,
    );
    noteRecovery(context, 'two runners with one identity', 'alternating: no more work', [elapsedMs(bornMs)]);
    expect(shared.quarantineReason).toMatch(/two processes share its identity/);
    await operator.releaseRunner(shared.name);
    const issue = await yard.ask();
    await assertNothingLost(yard, { [issue]: ['succeeded'] });
  });
});

describe('broken runner fails everything fast', () => {
  test('it gets no work for a growing while, and its jobs are done elsewhere', async (context) => {
    await using yard = await startFaultYard({
      // What an attempt takes for itself, processes and git, is not 40 times faster.
      timings: { quickFailureSeconds: 20, quarantineBaseSeconds: 20, quarantineMaxSeconds: 60 },
    });
    const broken = await yard.addRunner('broken', { agent: ['/bin/false'] });
    const askedMs = performance.now();

    const issues: number[] = [];
    for (let number = 0; number < 6; number += 1) issues.push(await yard.ask());

    await assertNothingLost(yard, Object.fromEntries(issues.map((issue) => [issue, ['succeeded']])));
    noteRecovery(context, 'broken runner fails everything fast', 'six whole jobs', [elapsedMs(askedMs)]);
    const runners = await yard.coordinator().operator.runners();
    expect(runners.find(({ name }) => name === broken.name)?.quarantinedUntilMs).not.toBeNull();
    const failed = await yard.database.query(`select id from attempts where outcome = 'agent_failed'`);
    // Three before it counts as broken, one more that it had taken meanwhile, and hardly more.
    expect(failed.length).toBeLessThan(issues.length);
  });
});

describe('agent crash, OOM, hang, flood of output', () => {
  test('each ends with its reason, and the next job is done', async (context) => {
    await using yard = await startFaultYard({
      tuning: { limits: { ...DEFAULT_LIMITS, agentIdleMs: 1500 } },
    });
    const startedMs = performance.now();

    const crash = await yard.ask('Please crash');
    const memory = await yard.ask('Please use all memory');
    const hang = await yard.ask('Please hang');
    const flood = await yard.ask('Please flood me');

    const ends = await Promise.all([
      yard.jobIn(crash, 'failed'),
      yard.jobIn(memory, 'failed'),
      yard.jobIn(hang, 'failed', 'timed_out'),
      yard.jobIn(flood, 'succeeded'),
    ]);
    expect(ends.map(({ outcome }) => outcome)).toEqual([
      'agent_failed',
      'agent_failed',
      expect.toBeOneOf(['timed_out', 'agent_failed']),
      'pull_request',
    ]);
    expect(ends.slice(0, 3).map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/SEGV|segmentation|139|signal/i),
      expect.stringMatching(/KILL|signal|137/i),
      expect.stringMatching(/silent|no output|nothing|said/i),
    ]);
    const kept = await yard.database.query(
      `select max(a.log_offset) as bytes from attempts a join jobs j on j.id = a.job_id where j.issue_number = ${flood}`,
    );
    expect(Number(kept[0]?.['bytes'])).toBeLessThanOrEqual(16 * 1024 * 1024);
    noteRecovery(context, 'agent crash, OOM, hang, flood of output', 'all four, with their retries', [
      elapsedMs(startedMs),
    ]);
    const after = await yard.ask();
    await assertNothingLost(yard, {
      [crash]: ['failed'],
      [memory]: ['failed'],
      [hang]: [['failed', 'timed_out']],
      [flood]: ['succeeded'],
      [after]: ['succeeded'],
    });
  });
});

/** The newest job's agent is at work. */
async function agentWorks(yard: FaultYard): Promise<void> {
  await until('the agent works', async () => (await yard.jobs()).at(-1)?.state === 'running', PATIENCE_MS);
  await until('its process is there', () => strayProcesses(yard).length > 0);
}
