import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { until } from '../support/until.ts';
import type { FailPlan } from './programs/fail-points.ts';
import { PATIENCE_MS } from './support/fault-timings.ts';
import { type FaultYard, OWNER, REPOSITORY, startFaultYard } from './support/fault-yard.ts';
import { assertNothingLost, untilAtRest } from './support/nothing-lost.ts';
import { elapsedMs, noteRecovery } from './support/recovery.ts';

/** The start of the agent that gets through. */
const ITS_AGENT: Partial<FailPlan> = { at: 'start', like: 'quick-agent.sh' };

describe('runner kill -9 between two agents', () => {
  const settings = 'defaults:\n  setup: []\n  test: []\n  agent: [out, quick]\n';

  test.for<[string, Partial<FailPlan>]>([
    ['while the work of the first is taken back', { at: 'start', like: 'read-tree --reset -u' }],
    ['when the second is about to start', ITS_AGENT],
  ])('%s', async ([moment, plan], context) => {
    await using yard = await startFaultYard({ files: { '.github/yardmaster.yml': settings } });
    await addAgentThatIsOut(yard);
    yard.runner().plan(plan);

    const issue = await yard.ask();
    const killedMs = await untilKilled(yard);
    await yard.runner().start();

    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    noteRecovery(context, 'runner kill -9 between two agents', moment, [elapsedMs(killedMs)]);
    const results = await yard.database.query('select result from attempts order by number');
    expect(results.map(({ result }) => JSON.parse(String(result)) as unknown)).toMatchObject([
      { outcome: 'cancelled' },
      {
        agent: { name: 'quick', passedOver: [{ name: 'out' }] },
        // Nothing of what the first one had begun, in either attempt.
        changes: [{ path: 'result.txt' }],
      },
    ]);
  });
});

describe('runner kill -9 while it reworks a pull request', () => {
  test.for<[string, Partial<FailPlan>]>([
    ['when its agent is about to start', ITS_AGENT],
    ['when it is about to push', { like: 'about to push' }],
    ['when it has pushed, and not told of it', { like: 'git push' }],
  ])('%s', async ([moment, plan], context) => {
    await using yard = await startFaultYard();
    const { github } = yard;
    const issue = await yard.ask();
    const { branch } = await yard.jobIn(issue, 'succeeded');
    await assertNothingLost(yard, { [issue]: ['succeeded'] });
    const [before] = github.state.pullRequests(REPOSITORY);
    yard.runner().plan(plan);

    await github.as(OWNER).comment(REPOSITORY, before?.number ?? 0, '/agent fix please do it better');
    const killedMs = await untilKilled(yard);
    const pushed = (await github.state.branches(REPOSITORY))[branch];
    await yard.runner().start();

    await untilAtRest(yard, { [issue]: ['succeeded', 'succeeded'] });
    noteRecovery(context, 'runner kill -9 while it reworks a pull request', moment, [elapsedMs(killedMs)]);
    const jobs = await yard.jobs();
    expect(jobs.map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
    const pulls = github.state.pullRequests(REPOSITORY);
    const [tip, parent] = await github.state.commits(REPOSITORY, branch);
    expect(pulls).toHaveLength(1);
    expect(pulls[0]?.head.sha).toBe(tip?.sha);
    expect(parent?.sha, 'upon what was there, whoever had pushed that').toBe(pushed);
    const [row] = await yard.database.query('select result from attempts order by job_id desc, number desc');
    expect(JSON.parse(String(row?.['result']))).toMatchObject({ headCommit: tip?.sha });
    const open = github.state.checkRuns(REPOSITORY).filter(({ status }) => status !== 'completed');
    expect(open).toEqual([]);
  });
});

/** `out`: begins its work, and then finds that its login has expired. */
async function addAgentThatIsOut(yard: FaultYard): Promise<void> {
  const file = path.join(yard.folder, 'one.yml');
  const config = parse(await readFile(file, 'utf8')) as { agents: Record<string, unknown> };
  const command = [path.resolve(import.meta.dirname, '../fixtures/bin/fake-acp.mjs')];
  config.agents['out'] = { kind: 'acp', command, env: { FAKE_AGENT: 'outage' } };
  await writeFile(file, stringify(config));
  await yard.runner().stop();
  await yard.runner().start();
}

/** Until the runner has come upon what was planned for it, and is gone. Answers when. */
async function untilKilled(yard: FaultYard): Promise<number> {
  const runner = yard.runner();
  await until('the runner is killed', () => !runner.isRunning(), PATIENCE_MS).catch((error: Error) => {
    throw new Error(`${error.message}\n${yard.logs()}`);
  });
  expect(runner.takeHit()).not.toBeNull();
  return performance.now();
}
