import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { JobSpec } from '../../src/contract/job.ts';
import { RUNNER_EXIT } from '../../src/runner/exit-codes.ts';
import { writeKeyFile } from '../../src/runner/key-file.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import type { FakeAttempt } from '../support/fake-coordinator.ts';
import { HOUSE_AGENT } from '../support/in-process-runner.ts';
import { processesWith } from '../support/processes.ts';
import { aRunnerKey } from '../support/runner-builders.ts';
import { type RunnerWorld, startRunnerWorld, WIDGETS } from '../support/runner-world.ts';
import { until } from '../support/until.ts';

let world: RunnerWorld;
let work: string;
let running: ChildProcess | null;

beforeEach(async () => {
  world = await startRunnerWorld({ heartbeatSeconds: 0.2 });
  work = path.join(world.folder, 'work');
  running = null;
});
afterEach(async () => {
  if (running !== null && running.exitCode === null && running.signalCode === null) {
    running.kill('SIGKILL');
    await once(running, 'exit');
  }
  for (const pid of processesWith(world.folder)) process.kill(pid, 'SIGKILL');
  await world[Symbol.asyncDispose]();
});

test('after kill -9 the next start ends what was left, gives the attempt back, and cleans up', async () => {
  const { runner, attempt } = await startWorking('hang');
  await until('the agent and its child run', () => agentProcesses(attempt.spec).length === 2);

  runner.kill('SIGKILL');
  await once(runner, 'exit');
  expect(agentProcesses(attempt.spec)).toHaveLength(2);
  const polls = world.coordinator.polls.length;
  await startRunner('fix');
  await until('it polls', () => world.coordinator.polls.length > polls);

  expect(agentProcesses(attempt.spec)).toEqual([]);
  expect(attempt.result).toMatchObject({
    outcome: 'cancelled',
    retryable: true,
    reason: 'The runner was restarted in the middle of its work (phase agent).',
  });
  expect(attempt.checkRunFinished).toBe(false);
  expect(existsSync(path.join(work, 'attempts', attempt.spec.attemptId))).toBe(false);
  expect(await readdir(path.join(work, '.yardmaster', 'journal'))).toEqual([]);
});

test('after kill -9 in the middle of its report the next start reports the same, under the same key', async () => {
  world.coordinator.fail('complete', 'lose-request', 1000);
  const { runner, attempt } = await startWorking('fix');
  await until('it reports', () => world.coordinator.callsOf('complete').length > 0);

  runner.kill('SIGKILL');
  await once(runner, 'exit');
  world.coordinator.mend();
  await startRunner('fix');
  const result = await until('it was reported', () => attempt.result);

  const head = (await world.github.state.branches(WIDGETS))[attempt.spec.branch];
  expect(result).toMatchObject({ outcome: 'pull_request', headCommit: head });
  const calls = world.coordinator.callsOf('complete');
  expect(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  expect(new Set(calls.map(({ body }) => JSON.stringify(body))).size).toBe(1);
});

test('after kill -9 the rest of the log comes before the report', async () => {
  const { runner, attempt } = await startWorking('wait');
  await until('the agent works', () => attempt.log.includes('[house] Working in'));
  for (const call of ['log', 'complete'] as const) world.coordinator.fail(call, 'lose-request', 1000);
  await goOn();
  await until('the end is in the journal, and on the disk', async () => {
    const isLogged = (await logOnDisk(attempt.spec)).includes('=== pull_request');
    return isLogged && (await reportInJournal(attempt.spec)) !== null;
  });
  expect(attempt.log).not.toContain('=== pull_request');

  runner.kill('SIGKILL');
  await once(runner, 'exit');
  world.coordinator.mend();
  await startRunner('fix');
  const result = await until('it was reported', () => attempt.result);

  expect(result.outcome).toBe('pull_request');
  expect(attempt.log).toContain('=== verify ===');
  expect(attempt.log).toContain('=== pull_request');
  expect(attempt.log.match(/=== baseline ===/g)).toHaveLength(1);
});

test('a cut that the lease outlives costs nothing: no line of the log, and not the result', async () => {
  const { attempt } = await startWorking('wait');
  await until('the agent works', () => attempt.log.includes('[house] Working in'));
  const before = attempt.log;

  world.coordinator.setConnected(false);
  await goOn();
  // Then it waits, since what the tests said has to be told before anything is published.
  await until('it works on', async () => (await logOnDisk(attempt.spec)).includes('=== verify ==='));
  expect(attempt.log).toBe(before);
  world.coordinator.setConnected(true);
  const result = await until('it was reported', () => attempt.result);

  expect(result.outcome).toBe('pull_request');
  const phases = [...attempt.log.matchAll(/^=== (\w+)/gm)].map(([, phase]) => phase);
  expect(phases).toEqual(['prepare', 'baseline', 'agent', 'verify', 'publish', 'pull_request']);
});

test('a runner waits for a coordinator that is away, says so, and works when it comes', async () => {
  world.coordinator.setConnected(false);
  const runner = await startRunner('fix');
  await until('it knocks more than once', () => world.coordinator.cutRequests() > 2);
  expect(said).toContain('The coordinator did not answer; trying again');
  expect(runner.exitCode).toBe(null);

  world.coordinator.setConnected(true);
  const attempt = world.coordinator.offer(await world.makeSpec());

  expect(await until('it works', () => attempt.result)).toMatchObject({ outcome: 'pull_request' });
});

test('the second SIGTERM ends what runs, which is the machine’s doing and no failure, and the runner leaves', async () => {
  const { runner, attempt } = await startWorking('hang');
  await until('the agent and its child run', () => agentProcesses(attempt.spec).length === 2);
  const exit = once(runner, 'exit');

  runner.kill('SIGTERM');
  await until('it drains', () => world.coordinator.polls.at(-1)?.draining);
  expect(agentProcesses(attempt.spec)).toHaveLength(2);
  runner.kill('SIGTERM');

  expect(await exit).toEqual([RUNNER_EXIT.ok, null]);
  expect(attempt.result).toMatchObject({
    outcome: 'cancelled',
    retryable: true,
    reason: 'The runner was shut down in the middle of its work.',
  });
  expect(agentProcesses(attempt.spec)).toEqual([]);
  expect(await readdir(path.join(work, '.yardmaster', 'journal'))).toEqual([]);
});

test('the third SIGTERM ends it at once, whatever still runs', async () => {
  const { runner, attempt } = await startWorking('deaf');
  await until('the agent runs', () => agentProcesses(attempt.spec).length > 0);
  const exit = once(runner, 'exit');

  runner.kill('SIGTERM');
  await until('it drains', () => world.coordinator.polls.at(-1)?.draining);
  runner.kill('SIGTERM');
  // The agent is deaf to SIGTERM, and so has its five seconds.
  await until('it stops the agent', () => said.includes('Told to end again'));
  runner.kill('SIGTERM');

  expect(await exit).toEqual([RUNNER_EXIT.forced, null]);
  expect(attempt.result).toBe(null);
});

test('with --once it does one job and leaves; the exit code tells what came of it, or that none came', async () => {
  const file = await configure('fix');

  const [idle] = (await once(launch(file, { idleMs: 300 }), 'exit')) as [number];
  const working = launch(file, { idleMs: 60_000 });
  const [first, second] = [
    world.coordinator.offer(await world.makeSpec()),
    world.coordinator.offer(await world.makeSpec()),
  ];
  const [worked] = (await once(working, 'exit')) as [number];

  expect(idle).toBe(RUNNER_EXIT.idle);
  expect(worked).toBe(RUNNER_EXIT.ok);
  expect([first, second].map(({ state }) => state).toSorted()).toEqual(['ended', 'offered']);
});

test('a configuration that does not load is told on standard error, with an exit code of its own', async () => {
  const file = path.join(world.folder, 'runner.yml');
  await writeFile(file, 'agent_id: be-1\n');

  const runner = launch(file);
  const [code] = (await once(runner, 'exit')) as [number];

  expect(code).toBe(RUNNER_EXIT.configuration);
  expect(said).toContain('The runner can’t start');
  expect(said).toContain('coordinator_url: is missing');
});

let said = '';

async function startWorking(scenario: string): Promise<{ runner: ChildProcess; attempt: FakeAttempt }> {
  const runner = await startRunner(scenario);
  const attempt = world.coordinator.offer(await world.makeSpec());
  await until('it was taken', () => attempt.state === 'held');
  return { runner, attempt };
}

/** A runner as a process of its own, with an agent that does `scenario`. */
async function startRunner(scenario: string): Promise<ChildProcess> {
  return launch(await configure(scenario));
}

/** Writes configuration and key; answers the configuration's path. */
async function configure(scenario: string): Promise<string> {
  const file = path.join(world.folder, 'runner.yml');
  await writeFile(
    file,
    stringify({
      agent_id: 'be-1',
      coordinator_url: world.coordinator.url,
      specialties: ['backend'],
      workspace_root: work,
      agents: {
        house: {
          kind: 'command',
          command: [process.execPath, HOUSE_AGENT],
          env: { HOUSE_SCENARIO: scenario, HOUSE_GO_ON: path.join(world.folder, 'go-on') },
        },
      },
      // A sandbox dies with its runner, so that nothing would be left to be found.
      sandbox: 'off',
      capabilities: { declared: ['os:linux'] },
      health: false,
    }),
  );
  await writeKeyFile(path.join(work, '.yardmaster', 'runner-key.json'), aRunnerKey(world.coordinator.url));
  return file;
}

function launch(file: string, onlyOnce?: { idleMs: number }): ChildProcess {
  const main = path.resolve('src/runner/main.ts');
  const script = `const { runFromFile } = await import(${JSON.stringify(main)});
process.exitCode = await runFromFile(${JSON.stringify(file)}, process.env, ${JSON.stringify(onlyOnce)});`;
  const runner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { PATH: process.env['PATH'], HOME: world.folder, ...COMPILE_CACHE },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  said = '';
  for (const stream of [runner.stdout, runner.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  running = runner;
  return runner;
}

/** Lets an agent that waits go on. */
function goOn(): Promise<void> {
  return writeFile(path.join(world.folder, 'go-on'), '');
}

/** What this runner has written of an attempt's log; `''` once it is gone. */
async function logOnDisk({ attemptId }: JobSpec): Promise<string> {
  return await readFile(path.join(work, '.yardmaster', 'journal', `${attemptId}.log`), 'utf8').catch(
    () => '',
  );
}

async function reportInJournal({ attemptId }: JobSpec): Promise<unknown> {
  const text = await readFile(path.join(work, '.yardmaster', 'journal', `${attemptId}.json`), 'utf8');
  return (JSON.parse(text) as { report: unknown }).report;
}

/** The agent of the attempt and what it started: they alone have both the attempt's HOME and the agent's variables. */
function agentProcesses({ attemptId }: JobSpec): number[] {
  const agents = processesWith('HOUSE_SCENARIO=');
  return processesWith(`HOME=${path.join(work, 'attempts', attemptId)}`).filter((pid) =>
    agents.includes(pid),
  );
}
