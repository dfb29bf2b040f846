import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobSettings } from '../../../src/contract/job.ts';
import { RUNNER_EXIT } from '../../../src/runner/exit-codes.ts';
import { toSandboxSettings } from '../../../src/runner/sandbox/sandbox-settings.ts';
import { aRunnerConfig, type InProcessRunner, startInProcess } from '../../support/in-process-runner.ts';
import { processesWith } from '../../support/processes.ts';
import { type RunnerWorld, startRunnerWorld } from '../../support/runner-world.ts';
import { whyNoSandbox } from '../../support/sandboxed.ts';
import { until } from '../../support/until.ts';

const CONNECT_ELSEWHERE = `
  const proxy = new URL(process.env.HTTPS_PROXY);
  require('node:http').request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: 'evil.example.com:443' })
    .on('connect', () => process.exit(9)).end();`;

let world: RunnerWorld;
let runner: InProcessRunner;
beforeEach(async () => {
  world = await startRunnerWorld({ heartbeatSeconds: 0.1 });
});
afterEach(async () => {
  runner.signal();
  runner.signal();
  await runner.exit;
  await world[Symbol.asyncDispose]();
});

describe.skipIf((await whyNoSandbox()) !== null)('an attempt in the sandbox', () => {
  test('gets through as it does without, and says what it ran in', async () => {
    const { attempt, result } = await work('fix', {});

    expect(result).toMatchObject({
      outcome: 'pull_request',
      sandbox: 'bubblewrap',
      evidence: { before: { verdict: 'failed' }, after: { verdict: 'passed', counts: { passed: 2 } } },
    });
    expect(world.checkRun(attempt.spec).output.summary).toContain('| Sandbox | bubblewrap |');
    expect(attempt.log).not.toContain('[sandbox]');
  });

  test('is told what its set-up could not reach', async () => {
    const { attempt, result } = await work('fix', { setupCommands: [['node', '-e', CONNECT_ELSEWHERE]] });

    expect(attempt.log).toContain('[sandbox] refused a connection to evil.example.com:443');
    expect(result.evidence.setup[0]).toMatchObject({
      exitCode: 9,
      outputTail: expect.stringContaining(
        'The sandbox refused connections to evil.example.com:443',
      ) as string,
    });
  });

  test('finds git’s history in its workspace', async () => {
    const { result } = await work('fix', { testCommands: [['git', 'log', '--oneline', '--stat']] });

    expect(result.evidence.after).toMatchObject({ verdict: 'passed' });
  });

  test('leaves nothing running when it is called off', async () => {
    runner = await startInProcess(aRunnerConfig(world, 'hang', SANDBOXED));
    await runner.ready;
    const attempt = world.coordinator.offer(await world.makeSpec());
    await until('the agent works', () => attempt.log.includes('[house] Working in'));

    runner.signal();
    runner.signal();

    expect(await runner.exit).toBe(RUNNER_EXIT.ok);
    expect(processesWith(attempt.spec.attemptId)).toEqual([]);
  });
});

describe('a machine without bubblewrap', () => {
  let bin: string;
  beforeEach(async () => {
    bin = await mkdtemp(path.join(tmpdir(), 'no-bubblewrap-'));
  });
  afterEach(() => rm(bin, { recursive: true, force: true }));

  test('does not start when the sandbox is required, and says what to do', async () => {
    runner = await startInProcess(aRunnerConfig(world, 'fix', SANDBOXED), { path: bin });

    expect(await runner.exit).toBe(RUNNER_EXIT.configuration);
    expect(JSON.stringify(runner.lines)).toContain('apt-get install bubblewrap');
  });

  test('goes on without when the sandbox is only preferred, and warns loudly', async () => {
    const sandbox = toSandboxSettings('preferred', (folder) => folder);

    runner = await startInProcess(aRunnerConfig(world, 'fix', { sandbox }), { path: bin });
    await runner.ready;

    const warning = runner.lines.find(({ msg }) => String(msg).startsWith('NO SANDBOX'));
    expect(warning).toMatchObject({ problem: expect.stringContaining('apt-get install bubblewrap') });
  });
});

const SANDBOXED = { sandbox: toSandboxSettings('required', (folder) => folder) };

async function work(scenario: string, settings: Partial<JobSettings>) {
  runner = await startInProcess(aRunnerConfig(world, scenario, SANDBOXED));
  await runner.ready;
  const attempt = world.coordinator.offer(await world.makeSpec({ settings }));
  const result = await until('the attempt has ended', () => attempt.result);
  return { attempt, result };
}
