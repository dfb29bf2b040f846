import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AttemptResult } from '../../src/contract/attempt-result.ts';
import type { JobSettings, JobSpec } from '../../src/contract/job.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import type { RunnerConfig } from '../../src/runner/config.ts';
import { RUNNER_EXIT } from '../../src/runner/exit-codes.ts';
import type { RunnerTuning } from '../../src/runner/run-daemon.ts';
import { createClient } from '../standin/client.ts';
import type { FakeAttempt } from '../support/fake-coordinator.ts';
import { aRevision } from '../support/job-builders.ts';
import { aRunnerConfig, type InProcessRunner, startInProcess } from '../support/in-process-runner.ts';
import { processesWith } from '../support/processes.ts';
import { type RunnerWorld, startRunnerWorld, WIDGETS } from '../support/runner-world.ts';
import { until } from '../support/until.ts';

const ACP_AGENT = path.resolve(import.meta.dirname, '../fixtures/bin/fake-acp.mjs');

/** A minute, which is the shortest of longest runs, is over after a second. */
const HASTY_CLOCK: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms > 50_000 && ms <= 60_000 ? 1000 : ms, signal),
};

/** The same for the agent's part of it, which is a little shorter. */
const HASTY_AGENT_CLOCK: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms > 30_000 && ms <= 51_000 ? 1000 : ms, signal),
};

/** A test that is red in each run for which there is an `x`. HOME is the attempt's own. */
function moodyTest(moods: string): string {
  return `import { appendFileSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
test('has moods', () => {
  const file = process.env.HOME + '/moods';
  appendFileSync(file, '.');
  if (${JSON.stringify(moods)}[readFileSync(file).length - 1] === 'x') throw new Error('a mood');
});
`;
}

let world: RunnerWorld;
let runner: InProcessRunner;
let config: RunnerConfig;

beforeEach(async () => {
  world = await startRunnerWorld({ leaseSeconds: 20, heartbeatSeconds: 0.1 });
});
afterEach(async () => {
  runner.signal();
  runner.signal();
  expect(await runner.exit).toBe(RUNNER_EXIT.ok);
  await world[Symbol.asyncDispose]();
});

describe('work that gets through', () => {
  test('is pushed as one commit on the base, with what the tests said before and after', async () => {
    const { spec, attempt, result } = await work('fix', { settings: { coverage: true } });

    expect(result).toMatchObject({
      outcome: 'pull_request',
      retryable: false,
      summary: 'The sum is a sum now.',
      changes: [{ path: 'sum.js', status: 'modified', added: 1, removed: 1 }],
      changedFiles: 1,
      agent: { name: 'house', model: 'house-1' },
      usage: { inputTokens: 100, outputTokens: 20, costUsd: 0.01, turns: 2 },
      evidence: {
        before: { verdict: 'failed', counts: { passed: 1, failed: 1 } },
        after: { verdict: 'passed', counts: { passed: 2, failed: 0 } },
        withoutTests: null,
        repairRounds: 0,
        coverage: { covered: 1, lines: 1, files: [{ path: 'sum.js', covered: 1, lines: 1 }] },
      },
      sandbox: 'none',
    });
    expect(Object.keys(result.phaseMs)).toEqual(['prepare', 'baseline', 'agent', 'verify', 'publish']);
    expect(attempt.evidence).toEqual(result.evidence);
    expect(await pushed(spec)).toBe(result.headCommit);
    expect(attempt.announced).toBe(result.headCommit);
    expect(attempt.checkRunFinished).toBe(true);
    expect(await world.github.state.file(WIDGETS, spec.branch, 'sum.js')).toContain('a + b');
    const [head, parent] = await world.github.state.commits(WIDGETS, spec.branch);
    expect(parent?.sha).toBe(spec.base.commit);
    expect(head).toMatchObject({
      author: spec.commitAuthor,
      message: expect.stringContaining(`Yardmaster-Job: ${spec.jobId}`) as string,
    });
  });

  test('is shown phase by phase, for few requests to GitHub, and leaves nothing on the machine', async () => {
    const { spec, attempt } = await work('fix', { tuning: { checkRunSpacingMs: 60_000 } });

    expect(attempt.phases[0]).toBe('prepare');
    expect(attempt.tokens).toEqual(['publish']);
    expect(world.coordinator.callsOf('start')).toHaveLength(1);
    expect(world.coordinator.callsOf('evidence')).toHaveLength(2);
    for (const text of ['=== prepare ===', '$ node --test', '[house] Working in', '=== pull_request:']) {
      expect(attempt.log).toContain(text);
    }
    expect(world.checkRun(spec)).toMatchObject({ status: 'completed', conclusion: 'success' });
    expect(world.checkRun(spec).output.summary).toContain('The agent ran without a sandbox');
    expect(world.checkRun(spec).output.text).toMatch(
      /The log is not shown here, since agent and tests ran without a sandbox\. `yardmaster logs/,
    );
    const requests = world.github.state.requests().filter(({ path }) => path.includes('/check-runs/'));
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'PATCH', 'PATCH']);
    await until('it is cleaned up', async () => (await leftOf(spec)).length === 0);
    expect(processesWith(spec.attemptId)).toEqual([]);
  });

  test('shows no secret: not in the log, not in the evidence, not in what the agent prints', async () => {
    const { attempt, result } = await work('leak');

    const shown = JSON.stringify([attempt.log, result, runner.lines]);
    for (const secret of [
      'house-secret-1234',
      'machine-secret-1234',
      ...Object.values(world.coordinator.tokens),
    ]) {
      expect(shown).not.toContain(secret);
    }
    // The agent has what its configuration gives it, and nothing of the runner's own.
    expect(attempt.log).toContain('HOUSE_API_KEY');
    expect(attempt.log).not.toContain('ANTHROPIC_API_KEY');
  });

  test('may take a round of repair', async () => {
    const { spec, attempt, result } = await work('wrong-then-fix', { settings: { repairRounds: 2 } });

    expect(result).toMatchObject({
      outcome: 'pull_request',
      usage: { turns: 4, costUsd: 0.02 },
      evidence: { after: { verdict: 'passed' }, repairRounds: 1 },
    });
    expect(attempt.progress?.agent).toEqual({ name: 'house', model: result.agent.model });
    // Told at each phase: after the first round, or both.
    expect([2, 4]).toContain(attempt.progress?.usage.turns);
    expect(await pushed(spec)).toBe(result.headCommit);
  });

  test.each([
    [
      'wrong-twice-then-fix',
      {},
      { outcome: 'pull_request', evidence: { repairRounds: 2 }, usage: { turns: 6 } },
    ],
    // Each round takes two turns, and costs a cent.
    [
      'wrong',
      { maxTurns: 2 },
      { outcome: 'tests_failed', evidence: { repairRounds: 0 }, usage: { turns: 2 } },
    ],
    ['wrong', { maxBudgetUsd: 0.02 }, { outcome: 'tests_failed', evidence: { repairRounds: 1 } }],
  ])('is given back as long as turns and money last: %s with %j', async (scenario, limits, expected) => {
    const { result } = await work(scenario, { settings: { repairRounds: 3, ...limits } });

    expect(result).toMatchObject(expected);
  });

  test.each([
    [
      'once, which is flaky and blames nobody',
      '.x..',
      { flaky: { total: 1 }, newlyFailing: { total: 0 } },
      0,
    ],
    ['twice, which is the work’s affair', '.xx.', { flaky: { total: 0 }, newlyFailing: { total: 0 } }, 1],
  ])('may have a test that was green before and is red %s', async (_what, moods, tests, repairRounds) => {
    const files = { 'moody.test.js': moodyTest(moods) };
    await world.github.as('alice').pushFiles(WIDGETS, 'main', files, 'Moods');

    const { attempt, result } = await work('fix', { settings: { repairRounds: 1 } });

    expect(result).toMatchObject({
      outcome: 'pull_request',
      evidence: { after: { verdict: 'passed' }, tests, repairRounds },
    });
    expect(attempt.log.match(/Running once more what was not red before/g)).toHaveLength(1);
  });

  test('may be repaired by an agent that has lost its session, which is told everything anew', async () => {
    const env = { FAKE_AGENT: 'forgets', FAKE_LOADS: 'yes' };
    const forgetful = { kind: 'acp' as const, command: [ACP_AGENT] as [string], env };

    const { attempt, result } = await work('fix', {
      config: { agents: { forgetful } },
      settings: { repairRounds: 2 },
    });

    expect(result).toMatchObject({
      outcome: 'pull_request',
      summary: 'Repaired.',
      agent: { name: 'forgetful' },
      evidence: { repairRounds: 1 },
    });
    expect(attempt.log).toContain('No previous sessions found');
  });

  test('may come from an agent further down the list, which is told, and paid for once', async () => {
    const { agents } = aRunnerConfig(world, 'fix');
    const out = { kind: 'acp' as const, command: [ACP_AGENT] as [string], env: { FAKE_AGENT: 'outage' } };
    const gone = { kind: 'command' as const, command: ['/nowhere/agent'] as [string], env: {} };

    const { spec, attempt, result } = await work('fix', {
      config: { agents: { out, gone, ...agents } },
      settings: { agent: 'gone', otherAgents: ['unknown', 'out', 'house'], model: 'house-0' },
    });

    expect(result).toMatchObject({
      outcome: 'pull_request',
      agent: {
        name: 'house',
        passedOver: [
          { name: 'gone', reason: expect.stringContaining('There is no program /nowhere/agent') as string },
          { name: 'unknown', reason: expect.stringContaining('is not configured on this runner') as string },
          { name: 'out', reason: expect.stringContaining('The login has expired') as string },
        ],
      },
      usage: { costUsd: 0.51, turns: 2 },
      changes: [{ path: 'sum.js' }],
    });
    const [head] = await world.github.state.commits(WIDGETS, spec.branch);
    expect(head?.message).toContain('Yardmaster-Agent: house');
    expect(attempt.log).toContain('house takes over from out');
    expect(world.checkRun(spec).output.summary).toMatch(/Passed over \| `out`: .*The login has expired/);
  });

  test.each([
    ['trap', 0],
    ['trap-then-fix', 1],
  ])('is published as it was judged, whatever tests write while they run (%s)', async (scenario, rounds) => {
    const { spec, attempt, result } = await work(scenario, {
      // The trap of one test must not spring while another is still to be loaded.
      settings: { testCommands: [['node', '--test', '--test-concurrency=1']], repairRounds: 1 },
    });

    expect(result).toMatchObject({ outcome: 'pull_request', evidence: { repairRounds: rounds } });
    const ofBranch = (file: string) => world.github.state.file(WIDGETS, spec.branch, file);
    expect(await pushed(spec)).toBe(result.headCommit);
    expect(result.changes.map(({ path }) => path)).toEqual(['sum.js', 'trap.test.js']);
    expect(await ofBranch('sum.js')).toContain('a + b');
    expect(await ofBranch('package.json')).toContain('widgets');
    expect(await ofBranch('trap.test.js')).toContain('overwritten');
    expect(await ofBranch('.github/actions/x/action.yml')).toBe(null);
    expect(await ofBranch('outward')).toBe(null);
    expect(attempt.log).not.toMatch(/Second round sees .*outward/);
    expect(attempt.log.includes('Second round sees')).toBe(rounds === 1);
  });

  test('may have no tests, which is said', async () => {
    const { result } = await work('fix', { settings: { testCommands: [] } });

    expect(result).toMatchObject({
      outcome: 'pull_request',
      evidence: { before: { verdict: 'not_run' }, after: { verdict: 'not_run' } },
    });
    expect(result.evidence.withoutTests).toContain('settings say');
  });

  test('is cloned and pushed with the machine’s own token where there is one', async () => {
    const token = world.github.createUserToken('alice');

    const { spec, attempt, result } = await work('fix', { config: { github: { token, sshKey: null } } });

    expect(result.outcome).toBe('pull_request');
    expect(await pushed(spec)).toBe(result.headCommit);
    // The lease was looked at all the same.
    expect(attempt.tokens).toEqual(['publish']);
    expect(attempt.announced).toBe(result.headCommit);
  });
});

describe('work whose base branch moves on meanwhile', () => {
  test('is put there, tested there, and published so', async () => {
    const { spec, tip, attempt, result } = await workWhileMainGets({
      'sum.test.js': `${await mainHas('sum.test.js')}test('adds more', () => assert.equal(sum(2, 2), 4));\n`,
    });

    expect(result).toMatchObject({
      outcome: 'pull_request',
      changes: [{ path: 'sum.js' }],
      evidence: {
        before: { counts: { passed: 1, failed: 1 } },
        after: { verdict: 'passed', counts: { passed: 3, failed: 0 } },
        rebase: { branch: 'main', from: spec.base.commit, onto: tip, kind: 'rebased', reason: '' },
      },
    });
    expect(await pushed(spec)).toBe(result.headCommit);
    const [, parent] = await world.github.state.commits(WIDGETS, spec.branch);
    expect(parent?.sha).toBe(tip);
    expect(await world.github.state.file(WIDGETS, spec.branch, 'sum.js')).toContain('a + b');
    expect(attempt.evidence).toEqual(result.evidence);
  });

  test.each([
    [
      'it is red there',
      'red',
      { 'odd.test.js': "import { sum } from './sum.js';\nif (sum(1, 1) === 2) process.exit(1);\n" },
      'Tests failed: node --test: exit 1 after',
    ],
    ['the branch is gone', 'not_tried', null, 'It could not be fetched'],
    [
      'both changed the same lines',
      'conflict',
      { 'sum.js': 'export const sum = (a, b) => b + a;\n' },
      'Both changed sum.js.',
    ],
  ])(
    'stays on the base that it was begun from when %s, which is told',
    async (_when, kind, files, reason) => {
      const { spec, tip, attempt, result } = await workWhileMainGets(files);

      expect(result).toMatchObject({
        outcome: 'pull_request',
        changes: [{ path: 'sum.js' }],
        evidence: {
          after: { verdict: 'passed', counts: { passed: 2, failed: 0 } },
          rebase: { onto: tip, kind, reason: expect.stringContaining(reason) as string },
        },
      });
      expect(attempt.evidence).toEqual(result.evidence);
      const [head, parent] = await world.github.state.commits(WIDGETS, spec.branch);
      expect([head?.sha, parent?.sha]).toEqual([result.headCommit, spec.base.commit]);
      expect(await world.github.state.file(WIDGETS, spec.branch, 'sum.js')).toBe(
        'export const sum = (a, b) => a + b;\n',
      );
    },
  );

  test('is not looked at again where the settings say so', async () => {
    const { spec, result } = await workWhileMainGets({ 'other.js': '1;\n' }, { rebase: false });

    expect(result).toMatchObject({ outcome: 'pull_request', evidence: { after: { verdict: 'passed' } } });
    expect(result.evidence.rebase).toBe(undefined);
    const [head, parent] = await world.github.state.commits(WIDGETS, spec.branch);
    expect([head?.sha, parent?.sha]).toEqual([result.headCommit, spec.base.commit]);
  });

  function mainHas(file: string): Promise<string | null> {
    return world.github.state.file(WIDGETS, 'main', file);
  }

  /** `null`: the base branch is not there any more. */
  async function workWhileMainGets(
    files: Record<string, string> | null,
    settings: Partial<JobSettings> = {},
  ): Promise<{ spec: JobSpec; tip: string | null; attempt: FakeAttempt; result: AttemptResult }> {
    const spec = await world.makeSpec({ settings });
    const base = files === null ? { ...spec.base, branch: 'not-there' } : spec.base;
    const attempt = await start('wait', {}, { ...spec, base });
    await until('the agent works', () => agentProcesses(spec).length > 0);
    const alice = world.github.as('alice');
    const tip = files === null ? null : await alice.pushFiles(WIDGETS, 'main', files, 'Meanwhile');
    await goOn();
    const result = await until('the attempt has ended', () => attempt.result);
    return { spec, tip, attempt, result };
  }
});

describe('where only signed commits are taken', () => {
  test.each<[string, Parameters<typeof world.github.setBranchRules>[1], Partial<JobSettings>]>([
    ['by the base branch', [{ pattern: 'main', type: 'required_signatures' }], {}],
    ['by the branch of the work', [{ pattern: 'agent/*', type: 'required_signatures' }], {}],
    ['as the settings want it', [], { commits: 'signed' }],
  ])(
    '%s, GitHub makes and signs the commit, and the branch is fenced as always',
    async (_by, rules, settings) => {
      world.github.setBranchRules(WIDGETS, rules);

      const { spec, attempt, result } = await work('fix', { settings });

      expect(result.outcome).toBe('pull_request');
      expect(await pushed(spec)).toBe(result.headCommit);
      expect(attempt.announced).toBe(result.headCommit);
      const asApp = createClient(world.github, world.coordinator.tokens.publish);
      const at = `/repos/${WIDGETS}/git`;
      expect((await asApp('GET', `${at}/commits/${result.headCommit}`)).body).toMatchObject({
        verification: { verified: true },
        parents: [{ sha: spec.base.commit }],
        message: expect.stringContaining(`Yardmaster-Job: ${spec.jobId}`) as string,
      });
      expect(await world.github.state.file(WIDGETS, spec.branch, 'sum.js')).toContain('a + b');
      expect((await asApp('GET', `${at}/matching-refs/yardmaster`)).body).toEqual([]);
    },
  );

  test('a plain one is refused, in GitHub’s words', async () => {
    world.github.setBranchRules(WIDGETS, [SIGNED_ONLY]);

    const { spec, result } = await work('fix', { settings: { commits: 'plain' } });

    expect(result).toMatchObject({ outcome: 'policy_refused', headCommit: null });
    expect(result.reason).toContain('Commits must have verified signatures');
    expect(await pushed(spec)).toBe(null);
  });

  const SIGNED_ONLY = { pattern: 'agent/*', type: 'required_signatures' };
});

describe('work that does not get through', () => {
  test('stays on the branch when the tests stay red', async () => {
    const { spec, result } = await work('wrong', { settings: { repairRounds: 1 } });

    expect(result).toMatchObject({
      outcome: 'tests_failed',
      retryable: false,
      evidence: { after: { verdict: 'failed' }, repairRounds: 1 },
    });
    expect(result.reason).toContain('node --test: exit 1');
    expect(await pushed(spec)).toBe(result.headCommit);
    expect(world.checkRun(spec)).toMatchObject({ status: 'completed', conclusion: 'failure' });
  });

  test('is red when set-up does not work any more', async () => {
    const { result } = await work('fix', {
      settings: { setupCommands: [['node', '-e', 'process.exit(9)']], repairRounds: 0 },
    });

    expect(result).toMatchObject({
      outcome: 'tests_failed',
      reason: expect.stringContaining('Set-up failed') as string,
      evidence: { before: { verdict: 'not_run' }, after: { verdict: 'not_run' } },
    });
  });

  test('is on its branch, without tests, when it changes what only people may change', async () => {
    const { spec, attempt, result } = await edit({ 'AGENTS.md': 'Be bold.\n', 'sum.js': 'x\n' });

    expect(result).toMatchObject({ outcome: 'policy_refused', retryable: false, evidence: { after: null } });
    expect(result.findings).toMatchObject([{ path: 'AGENTS.md', line: null }]);
    expect(result.reason).toMatch(
      /^`AGENTS\.md` is protected.*is on the branch `agent\/.*Decide: open a pull request/,
    );
    expect(await pushed(spec)).toBe(result.headCommit);
    expect(await world.github.state.file(WIDGETS, spec.branch, 'AGENTS.md')).toBe('Be bold.\n');
    expect(attempt.tokens).toEqual(['publish']);
    const { conclusion, output } = world.checkRun(spec);
    expect(conclusion).toBe('failure');
    expect(output.title).toMatch(/^The work was not accepted/);
    expect(output.summary).toContain('Decide: open a pull request from that branch');
  });

  test('is a patch on the runner when it would add a secret, which is told nowhere', async () => {
    // In two pieces, or scanners of repositories would find it here.
    const token = ['ghp', 'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'].join('_');

    const { spec, attempt, result } = await edit({ 'config.js': `export const token = '${token}';\n` });

    expect(result).toMatchObject({ outcome: 'policy_refused', headCommit: null });
    expect(world.checkRun(spec).output.summary).toContain(
      '| `config.js` | 1 | looks like a secret (github) |',
    );
    const file = `refused/${spec.attemptId}.patch`;
    expect(result.reason).toContain('would be added: `config.js` line 1 (github)');
    expect(result.reason).toContain(`on the runner \`be-1\` (\`${file}\` in its workspace_root)`);
    expect(result.reason).toContain('It is nowhere else: it may hold a secret.');
    expect(await pushed(spec)).toBe(null);
    expect(attempt).toMatchObject({ tokens: [], patch: null });
    expect(await readFile(path.join(config.workspaceRoot, file), 'utf8')).toContain(token);
    const told = JSON.stringify([attempt.log, result, runner.lines, world.checkRun(spec)]);
    expect(told).not.toContain(token);
  });

  test('is shown in the check run where the settings want a patch, for git to apply', async () => {
    const { spec, attempt, result } = await edit({ 'AGENTS.md': 'Be bold.\n' }, { refusedWork: 'patch' });

    const file = path.join(config.workspaceRoot, 'refused', `${spec.attemptId}.patch`);
    expect(result.reason).toContain('its patch is in the check run of this attempt');
    expect(attempt.patch).toBe(await readFile(file, 'utf8'));
    expect(attempt.patch).toContain('+Be bold.\n');
    const { summary } = world.checkRun(spec).output;
    expect(summary).toContain(`\`\`\`diff\n${attempt.patch?.trimEnd()}\n\`\`\``);
    expect(summary).not.toContain('does not apply');
  });

  test('may be mended by the agent, once, when it may not be published', async () => {
    const { spec, attempt, result } = await work('workflow-then-fix', { settings: { repairRounds: 1 } });

    expect(result).toMatchObject({ outcome: 'pull_request', evidence: { repairRounds: 0 } });
    expect(result.changes.map(({ path }) => path)).toEqual(['sum.js']);
    expect(attempt.log).toContain('given back to the agent');
    expect(await pushed(spec)).toBe(result.headCommit);
  });

  test('is for people to decide about when nothing is left without what may not be published', async () => {
    const { result } = await work('workflow-then-nothing', { settings: { repairRounds: 1 } });

    expect(result).toMatchObject({ outcome: 'policy_refused', headCommit: null });
    expect(result.changes.map(({ path }) => path)).toEqual(['.github/workflows/own.yml']);
  });

  test('is kept as the settings say', async () => {
    const { spec, result } = await edit(
      {
        'sum.js': 'export const sum = (a, b) => a + b;\n',
        '.gitattributes': '*.psd filter=lfs\n',
        'logo.psd': 'a large file',
      },
      { allowedPaths: ['docs'], refusedWork: 'discard' },
    );

    expect(result).toMatchObject({ outcome: 'policy_refused', headCommit: null });
    expect(result.reason).toMatch(/outside the `allowed_paths`[^]*not kept: the settings say/);
    expect(result.reason).toContain('`logo.psd` belongs in Git LFS');
    expect(await pushed(spec)).toBe(null);
    expect(existsSync(path.join(config.workspaceRoot, 'refused'))).toBe(false);
  });

  test.each([
    ['nothing', 'no_changes', false, 'The agent changed nothing.'],
    ['workflow', 'policy_refused', false, '`.github/workflows/own.yml` is protected, since it is a workflow'],
    ['crash', 'agent_failed', true, ''],
  ])('the agent does “%s”: %s', async (scenario, outcome, retryable, reason) => {
    const { spec, result } = await work(scenario);

    expect(result).toMatchObject({ outcome, retryable, headCommit: null });
    expect(result.reason).toContain(reason);
    expect(await pushed(spec)).toBe(null);
  });

  test('asks for an agent that is not here', async () => {
    const { result } = await work('fix', { settings: { agent: 'codex' } });

    expect(result).toMatchObject({ outcome: 'agent_failed', retryable: false });
    expect(result.reason).toContain('codex');
  });

  test('takes longer than is allowed', async () => {
    const { spec, result } = await work('wait', { settings: { maxMinutes: 1 }, clock: HASTY_CLOCK });

    expect(result).toMatchObject({ outcome: 'timed_out', retryable: false });
    expect(await pushed(spec)).toBe(null);
  });

  test('takes longer than is allowed, and what there is is kept as unfinished', async () => {
    const { spec, result } = await work('wait', {
      settings: { maxMinutes: 1, testCommands: [] },
      clock: HASTY_AGENT_CLOCK,
    });

    expect(result).toMatchObject({
      outcome: 'pull_request',
      unfinished: 'house was ended at the time limit.',
      changes: [{ path: 'sum.js' }],
      // The time is over: what is left of it is for the push.
      evidence: { after: null },
    });
    expect(await pushed(spec)).toBe(result.headCommit);
    expect(world.checkRun(spec)).toMatchObject({ status: 'completed', conclusion: 'neutral' });
  });

  test('takes longer than is allowed in a round of a pull request, which stays as it is', async () => {
    const made = await world.makeSpec({ settings: { maxMinutes: 1, testCommands: [] } });
    const { counted: _counted, reviewers: _reviewers, runnerId: _runnerId, ...facts } = aRevision();
    const attempt = await start(
      'wait',
      { clock: HASTY_AGENT_CLOCK },
      {
        ...made,
        kind: 'revise',
        base: { branch: 'main', commit: made.startCommit },
        revision: { ...facts, baseCommit: made.base.commit },
      },
    );
    const result = await until('the attempt has ended', () => attempt.result);

    expect(result).toMatchObject({ outcome: 'timed_out', retryable: false, headCommit: null });
    expect(result).not.toHaveProperty('unfinished');
    expect(result.reason).toMatch(
      /ended at the time limit\. .* open pull request\. .* its patch is in the check run of this attempt/,
    );
    expect(await pushed(made)).toBe(null);
  });

  test('may not be published any more', async () => {
    world.coordinator.fail('token', 'policy_refused');

    const { spec, result } = await work('fix');

    expect(result).toMatchObject({ outcome: 'policy_refused', retryable: false });
    expect(await pushed(spec)).toBe(null);
  });

  test('goes on when GitHub takes no report', async () => {
    world.github.faults.add({ method: 'PATCH', path: /check-runs/, status: 403 });

    const { result, attempt } = await work('fix');

    expect(result.outcome).toBe('pull_request');
    expect(attempt.checkRunFinished).toBe(false);
  });
});

describe('a full disk', () => {
  test('ends an attempt under way in order: agent gone, workspace removed, told as trouble of the machine', async () => {
    const agentRuns = Promise.withResolvers<void>();
    let looks = 0;
    const attempt = await start('hang', {
      tuning: { goOnFreeDiskBytes: Number.MAX_SAFE_INTEGER, diskLookMs: 7_777_777 },
      clock: {
        ...systemClock,
        sleep: (ms, signal) => {
          const isFirstLook = ms === 7_777_777 && looks++ === 0;
          return isFirstLook ? agentRuns.promise : systemClock.sleep(ms, signal);
        },
      },
    });
    await until('the agent and its child run', () => agentProcesses(attempt.spec).length === 2);

    agentRuns.resolve();
    const result = await until('the attempt has ended', () => attempt.result);

    expect(result).toMatchObject({ outcome: 'cancelled', retryable: true, headCommit: null });
    expect(result.reason).toMatch(/disk of the runner is full: [\d,]+ MiB are free, and .* needs more than/);
    expect(agentProcesses(attempt.spec)).toEqual([]);
    await until('nothing of it is left', async () => (await leftOf(attempt.spec)).length === 0);
    expect(await pushed(attempt.spec)).toBe(null);
  });

  test('does not come from an attempt that takes more than its part: it ends, and is not tried elsewhere', async () => {
    const { result, spec } = await work('hang', {
      config: { disk: { total: null, attempt: 1 } },
      tuning: { quotaLookMs: 50 },
    });

    expect(result).toMatchObject({ outcome: 'agent_failed', retryable: false, headCommit: null });
    expect(result.reason).toContain('(disk.attempt_max_gb in runner.yml)');
    await until('nothing of it is left', async () => (await leftOf(spec)).length === 0);
  });

  test('is to blame for an agent that fails on it', async () => {
    const { result } = await work('crash', {
      tuning: { goOnFreeDiskBytes: Number.MAX_SAFE_INTEGER, diskLookMs: 600_000 },
    });

    expect(result).toMatchObject({ outcome: 'cancelled', retryable: true });
    expect(result.reason).toContain('disk of the runner is full');
  });
});

test('an attempt whose journal can’t be written is given back, not dropped in silence', async () => {
  config = aRunnerConfig(world, 'fix');
  runner = await startInProcess(config);
  await runner.ready;
  const journal = path.join(config.workspaceRoot, '.yardmaster', 'journal');
  await rm(journal, { recursive: true });
  await writeFile(journal, 'in the way');
  const attempt = world.coordinator.offer(await world.makeSpec());

  await until('it was given back', () => attempt.declined);

  expect(attempt.declined).toEqual({
    reason: 'disk_full',
    detail: 'its journal can’t be written: ENOTDIR',
  });
});

describe('attempts of others', () => {
  test('a check run that is not the one of the job gives the attempt back', async () => {
    const spec = await world.makeSpec();
    const attempt = await start('fix', {}, { ...spec, checkRun: { ...spec.checkRun, externalId: 'other' } });

    await until('it was given back', () => attempt.declined);

    expect(attempt.declined).toEqual({
      reason: 'wrong_check_run',
      detail: expect.stringContaining('has another external id') as string,
    });
    expect(attempt.phases).not.toContain('agent');
  });

  test('a check run that can’t be looked at gives the attempt back, too', async () => {
    world.github.faults.add({ method: 'GET', path: /check-runs/, status: 502 });
    const attempt = await start('fix', { tuning: { checkRunLookMs: 0 } });

    await until('it was given back', () => attempt.declined);

    expect(attempt.declined).toEqual({
      reason: 'github_unreachable',
      detail: expect.stringContaining('HTTP 502') as string,
    });
    expect(attempt.phases).not.toContain('agent');
  });

  test('a branch that stands elsewhere is left alone, and nothing is said', async () => {
    const { spec, attempt } = await startWaiting();
    const mover = createClient(world.github, world.coordinator.tokens.publish);
    await mover('PATCH', `/repos/${WIDGETS}/git/refs/heads/${spec.branch}`, {
      sha: spec.base.commit,
      force: true,
    });

    await goOn();

    await until('the attempt is over', () => isOver());
    expect(attempt.result).toBe(null);
    expect((await world.github.state.branches(WIDGETS))[spec.branch]).toBe(spec.base.commit);
  });

  test('a superseded attempt is dropped, and nothing is said', async () => {
    const { spec, attempt } = await startWaiting();

    attempt.heartbeat = { action: 'superseded', reason: 'Another attempt took over.' };

    await until('the attempt is over', () => isOver());
    expect(attempt.result).toBe(null);
    expect(existsSync(path.join(config.workspaceRoot, 'attempts', spec.attemptId))).toBe(false);
    expect(existsSync(path.join(config.workspaceRoot, 'aside', spec.attemptId))).toBe(true);
    expect(processesWith(spec.attemptId)).toEqual([]);
    expect(await pushed(spec)).toBe(null);
  });
});

describe('cancelling', () => {
  test.each(['heartbeat', 'poll'] as const)(
    'by %s ends the agent with all its children, removes the workspace, and is confirmed',
    async (way) => {
      const attempt = await start('hang');
      const { spec } = attempt;
      await until('the agent and its child run', () => agentProcesses(spec).length === 2);

      if (way === 'poll') world.coordinator.cancel(attempt, 'label removed');
      else attempt.heartbeat = { action: 'cancel', reason: 'label removed' };
      const result = await until('it is confirmed', () => attempt.result);

      expect(result).toMatchObject({ outcome: 'cancelled', reason: 'label removed', headCommit: null });
      expect(agentProcesses(spec)).toEqual([]);
      expect(existsSync(path.join(config.workspaceRoot, 'attempts', spec.attemptId))).toBe(false);
      expect(await pushed(spec)).toBe(null);
    },
  );
});

test('a lease that can’t be renewed ends the attempt before it is over, and nothing is published', async () => {
  await world[Symbol.asyncDispose]();
  world = await startRunnerWorld({ leaseSeconds: 8, heartbeatSeconds: 0.1 });
  const { spec, attempt } = await startWaiting();

  world.coordinator.setConnected(false);
  await until('the agent is gone', () => agentProcesses(spec).length === 0);
  await until('the attempt is over', () => isOver());
  await goOn();
  world.coordinator.setConnected(true);
  const polls = world.coordinator.polls.length;
  await until('it polls again', () => world.coordinator.polls.length > polls);

  expect(attempt.result).toBe(null);
  expect(attempt.tokens).toEqual([]);
  expect(await pushed(spec)).toBe(null);
});

test('an end that can’t be reported in time is kept and told later, and does not hold a slot', async () => {
  const endLimits = { lastWordsMs: 200, restOfLogMs: 200, reportMs: 400, shutdownMs: 200 };
  world.coordinator.fail('complete', 'lose-request', 1000);
  const attempt = await start('fix', { tuning: { endLimits }, config: { maxConcurrentTasks: 1 } });
  await until('the attempt is over', () => isOver());
  expect(attempt.result).toBe(null);
  await until('the slot is free', () => world.coordinator.polls.at(-1)?.freeSlots === 1);

  world.coordinator.mend();

  expect(await until('it is told', () => attempt.result)).toMatchObject({ outcome: 'pull_request' });
  await until('it is forgotten', async () => (await leftOf(attempt.spec)).length === 0);
  const keys = world.coordinator.callsOf('complete').map(({ idempotencyKey }) => idempotencyKey);
  expect(new Set(keys).size).toBe(1);
});

type Wanted = {
  settings?: Partial<JobSettings>;
  config?: Partial<RunnerConfig>;
  tuning?: Partial<RunnerTuning>;
  clock?: Clock;
};

/** Lets a runner work on a job whose agent does `scenario`, to its end. */
async function work(
  scenario: string,
  wanted: Wanted = {},
): Promise<{ spec: JobSpec; attempt: FakeAttempt; result: AttemptResult }> {
  const attempt = await start(scenario, wanted);
  const result = await until('the attempt has ended', () => attempt.result);
  return { spec: attempt.spec, attempt, result };
}

/** The same for an agent that writes these files. */
function edit(files: Record<string, string>, settings: Partial<JobSettings> = {}) {
  const { agents } = aRunnerConfig(world, 'edit');
  const [[name, house]] = Object.entries(agents) as [[string, RunnerConfig['agents'][string]]];
  const env = { ...house.env, HOUSE_EDITS: JSON.stringify(files) };
  return work('edit', { settings, config: { agents: { [name]: { ...house, env } } } });
}

async function start(scenario: string, wanted: Wanted = {}, spec?: JobSpec): Promise<FakeAttempt> {
  config = aRunnerConfig(world, scenario, wanted.config);
  runner = await startInProcess(config, wanted);
  await runner.ready;
  const made =
    spec ?? (await world.makeSpec(wanted.settings === undefined ? {} : { settings: wanted.settings }));
  return world.coordinator.offer(made);
}

/** An attempt whose agent is at work, and waits for `goOn`. */
async function startWaiting(): Promise<{ spec: JobSpec; attempt: FakeAttempt }> {
  const attempt = await start('wait');
  await until('the agent works', () => agentProcesses(attempt.spec).length > 0);
  await until('the log tells so', () => attempt.log.includes('[house] Working in'));
  return { spec: attempt.spec, attempt };
}

function goOn(): Promise<void> {
  return writeFile(path.join(world.folder, 'go-on'), '');
}

function isOver(): boolean {
  return runner.lines.some(({ msg }) => msg === 'An attempt is over');
}

/** Where the branch of the job stands; `null` when nothing was pushed. */
async function pushed(spec: JobSpec): Promise<string | null> {
  const head = (await world.github.state.branches(WIDGETS))[spec.branch] ?? null;
  return head === spec.startCommit ? null : head;
}

/** The agent of the attempt and what it started: they alone have both the attempt's HOME and the agent's variables. */
function agentProcesses({ attemptId }: JobSpec): number[] {
  const agents = processesWith('HOUSE_SCENARIO=');
  return processesWith(`HOME=${path.join(config.workspaceRoot, 'attempts', attemptId)}`).filter((pid) =>
    agents.includes(pid),
  );
}

async function leftOf(spec: JobSpec): Promise<string[]> {
  // Folders may go away while they are listed; who waits looks again.
  const names = await readdir(config.workspaceRoot, { recursive: true }).catch(() => [spec.attemptId]);
  // The logs of the last attempts stay, for people on the machine.
  return names.filter((name) => name.includes(spec.attemptId) && !name.startsWith('.yardmaster/logs/'));
}
