import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { RunnerStatus } from '../../src/runner/control/runner-status.ts';
import { RUNNER_EXIT } from '../../src/runner/exit-codes.ts';
import { writeKeyFile } from '../../src/runner/key-file.ts';
import { yardmaster } from '../support/command-line.ts';
import type { FakeAttempt } from '../support/fake-coordinator.ts';
import { HOUSE_AGENT } from '../support/in-process-runner.ts';
import { startNotifySocket } from '../support/notify-socket.ts';
import { processesWith } from '../support/processes.ts';
import { aRunnerKey } from '../support/runner-builders.ts';
import { type RunnerWorld, startRunnerWorld } from '../support/runner-world.ts';
import { until } from '../support/until.ts';

/** A day of one machine, told by its own commands: each test goes on where the one before has ended. */
let world: RunnerWorld;
let daemon: ChildProcess;
let notify: Awaited<ReturnType<typeof startNotifySocket>>;
let attempt: FakeAttempt;
let healthUrl: string;

beforeAll(async () => {
  world = await startRunnerWorld({ heartbeatSeconds: 0.3 });
  notify = await startNotifySocket(path.join(world.folder, 'notify'));
  await writeKeyFile(
    path.join(world.folder, 'work/.yardmaster/runner-key.json'),
    aRunnerKey(world.coordinator.url),
  );
  await configure({});
});
afterAll(async () => {
  if (daemon.exitCode === null && daemon.signalCode === null) {
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
  }
  for (const pid of processesWith(world.folder)) process.kill(pid, 'SIGKILL');
  await notify[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

test('without a runner, who asks is told how to start one', async () => {
  const { exitCode, stderr } = await ask('status');

  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^yardmaster: no runner runs in .*work\. Start it with “yardmaster runner run”/);
});

test('it is written down as a service for systemd, with this installation and these settings', async () => {
  const [printed, installed] = await Promise.all([
    ask('service', 'print', '--user', 'yard'),
    ask('service', 'install', '--user', 'yard', '--name', 'yard-1', '--folder', world.folder),
  ]);
  const unit = await readFile(path.join(world.folder, 'yard-1.service'), 'utf8');

  expect(printed).toMatchObject({ exitCode: 0, stdout: unit.trimEnd(), stderr: '' });
  const bin = path.resolve('bin/yardmaster.js');
  const file = path.join(world.folder, 'runner.yml');
  expect(unit).toContain(`ExecStart=${process.execPath} ${bin} runner run --config ${file}\n`);
  expect(unit).toContain(`ReadWritePaths=-${path.join(world.folder, 'work')}\n`);
  expect(unit).toContain('User=yard\n');
  expect(installed.stdout).toContain(`yard-1.service was written.\nNext: put the agents’ keys into`);
  expect(installed.stdout).toContain('systemctl enable --now yard-1');
});

test('it starts, tells systemd, and says what it is', async () => {
  daemon = start();
  await until('it polls', () => world.coordinator.polls.length > 0);

  const status = await readStatus();
  healthUrl = status.healthUrl ?? '';

  expect(status).toMatchObject({
    state: 'ready',
    notReady: null,
    name: 'be-1',
    pid: daemon.pid,
    farSide: world.coordinator.url,
    contact: { connected: true },
    specialties: ['backend'],
    attempts: [],
  });
  expect((await ask('status')).stdout).toContain(`coordinator  ${world.coordinator.url}, heard`);
  expect((await fetch(`${healthUrl}/ready`)).status).toBe(200);
  expect(notify.told).toContain('READY=1');
  await until('it shows that it lives', () => notify.told.includes('WATCHDOG=1'));
});

test('the doctor finds all that is required, beside a running runner', async () => {
  const { stdout, exitCode } = await ask('doctor', '--json', '--github-url', world.coordinator.url);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { name: string; result: string }[] };
  const results = Object.fromEntries(checks.map(({ name, result }) => [name, result]));

  expect({ ok, exitCode }).toEqual({ ok: true, exitCode: 0 });
  expect(results).toMatchObject({
    'runner.yml': 'ok',
    key: 'ok',
    enrolment: 'ok',
    coordinator: 'ok',
    GitHub: 'ok',
    daemon: 'ok',
    sandbox: 'warning',
    git: 'ok',
    'agent house': 'ok',
  });
  expect(world.coordinator.callsOf('session')).toHaveLength(1);
});

test('of a machine on which nothing is right it names all of it at once, each with its fix', async () => {
  const ill = path.join(world.folder, 'ill');
  await mkdir(path.join(ill, 'bin'), { recursive: true });
  await writeFile(path.join(ill, 'bin/bwrap'), '#!/bin/sh\necho bwrap: no permission >&2\nexit 1\n', {
    mode: 0o755,
  });
  const nowhere = 'http://127.0.0.1:9';
  const house = { kind: 'command', command: [path.join(ill, 'no-such-agent')] };
  await configure({ coordinator_url: nowhere, sandbox: 'required', agents: { house } }, ill);
  const environment = { PATH: `${ill}/bin:${process.env['PATH'] ?? ''}` };

  const args = ['runner', 'doctor', '--json', '--github-url', nowhere, '--config', 'runner.yml'];
  const { stdout, exitCode } = await yardmaster(args, ill, environment);

  const { ok, checks } = JSON.parse(stdout) as {
    ok: boolean;
    checks: { name: string; result: string; fix: string | null }[];
  };
  expect({ ok, exitCode }).toEqual({ ok: false, exitCode: 1 });
  const failed = checks.filter(({ result }) => result === 'failed');
  const fixes = Object.fromEntries(failed.map(({ name, fix }) => [name, fix]));
  expect(fixes).toMatchObject({
    key: expect.stringContaining('yardmaster runner enroll'),
    coordinator: expect.stringContaining('yardmaster serve'),
    GitHub: expect.stringContaining('--github-url'),
    sandbox: expect.stringContaining('bwrap: no permission'),
    'agent house': expect.stringContaining('correct the command of the agent "house"'),
  });
});

test('what it works on: the job, its log, its workspace', async () => {
  attempt = world.coordinator.offer(await world.makeSpec());
  await until('the agent works', () => attempt.log.includes('[house] Working in'));
  const { attemptId } = attempt.spec;

  await writeFile(shellFile(), '#!/bin/sh\npwd\ngit status >/dev/null 2>&1 || echo git is off\n', {
    mode: 0o755,
  });

  const [jobs, log, list, folder, shell, pruned] = await Promise.all([
    ask('jobs', '--json'),
    ask('logs', attemptId.slice(-8)),
    ask('workspace', 'list'),
    ask('workspace', 'open'),
    ask('workspace', 'open', attemptId.slice(-8), '--shell'),
    ask('workspace', 'prune', '--older-than', '0'),
  ]);

  expect(JSON.parse(jobs.stdout)).toMatchObject({
    attempts: [
      { attemptId, specialty: 'backend', repository: 'acme/widgets', phase: 'agent', agent: 'house' },
    ],
    ended: [],
  });
  expect(log.stdout).toContain('=== baseline ===');
  expect(list.stdout).toMatch(new RegExp(`workspace .* yes +${attemptId}`));
  expect(list.stdout).toMatch(/mirror .* yes +acme\/widgets/);
  expect(existsSync(path.join(folder.stdout, 'sum.js'))).toBe(true);
  expect(shell).toMatchObject({ exitCode: 0, stdout: `${folder.stdout}\ngit is off` });
  expect(shell.stderr).toContain('git commands would run what it put into .git. So git is turned off here');
  expect(pruned.stdout).toBe('Nothing to remove.');
});

test('paused it goes on with what it has, stays connected, and says why it takes nothing', async () => {
  const { stdout } = await ask('pause', '--reason', 'new disk');
  await until('the coordinator knows', () => world.coordinator.polls.at(-1)?.freeSlots === 0);
  const ready = await fetch(`${healthUrl}/ready`);
  const metrics = await (await fetch(`${healthUrl}/metrics`)).text();

  expect(stdout).toBe(
    'Paused: it takes nothing new. 1 under way will be finished. “yardmaster runner resume” ends the pause.',
  );
  expect([ready.status, await ready.json()]).toMatchObject([503, { state: 'paused' }]);
  expect(metrics).toContain('yardmaster_runner_paused 1\n');
  expect(metrics).toContain('yardmaster_runner_attempts_running{specialty="backend",phase="agent"} 1\n');
  expect(world.coordinator.polls.at(-1)).toMatchObject({ draining: false });
});

test('a new key is taken without a new session', async () => {
  const before = world.coordinator.keys.current;

  const { stdout } = await ask('rotate-key');

  expect(stdout).toContain('holds a new key; the old one is of no use any more.');
  expect(world.coordinator.keys.current).not.toBe(before);
  const file = await readFile(path.join(world.folder, 'work/.yardmaster/runner-key.json'), 'utf8');
  expect(file).toContain(world.coordinator.keys.current);
  expect(world.coordinator.callsOf('session')).toHaveLength(1);
});

test('settings are read anew: what can be is in force, the rest is named', async () => {
  await configure({ specialties: ['backend', 'python'], max_concurrent_tasks: 3, health: false });

  daemon.kill('SIGHUP');
  await until('the coordinator knows', () => world.coordinator.facts.at(-1)?.capacity === 3);

  expect(world.coordinator.facts.at(-1)).toMatchObject({ specialties: ['backend', 'python'] });
  expect(await readStatus()).toMatchObject({
    capacity: 3,
    settings: { problems: [], needsRestart: ['health'] },
    attempts: [{ attemptId: attempt.spec.attemptId }],
  });
  expect(notify.told).toContain('RELOADING=1');
});

test('settings that can’t be used change nothing, and are told with key, line and fix', async () => {
  await configure({ specialtys: ['devops'] });

  daemon.kill('SIGHUP');
  const { settings, specialties } = await until('it has read them', async () => {
    const status = await readStatus();
    return status.settings.problems.length > 0 ? status : null;
  });

  expect(settings.problems).toEqual([
    expect.stringMatching(/^line \d+, specialtys: there is no such key; did you mean "specialties"\?$/),
  ]);
  expect(specialties).toEqual(['backend', 'python']);
});

test('drained it finishes, and ends in order; its last log stays', async () => {
  await configure({});
  const following = ask('logs', '--follow');
  const draining = ask('drain', '--wait');
  const exit = once(daemon, 'exit');
  await until('it drains', () => world.coordinator.polls.at(-1)?.draining);
  await writeFile(path.join(world.folder, 'go-on'), '');

  expect((await draining).stdout).toBe('Draining: 1 under way; then it ends.\nIt has ended.');
  expect(await exit).toEqual([RUNNER_EXIT.ok, null]);
  expect(attempt.result?.outcome).toBe('pull_request');
  expect((await following).stdout).toMatch(/=== prepare ===[^]*=== pull_request: /);
  expect((await ask('logs', attempt.spec.attemptId.slice(-8))).stdout).toContain('=== pull_request: ');
  await until('systemd knows', () => notify.told.includes('STOPPING=1'));
  expect((await ask('status')).exitCode).toBe(1);
});

test('without a runner, what takes room is told and removed, too', async () => {
  const mirror = /^mirror +acme\/widgets +[\d.]+ KiB$/m;

  const list = await ask('workspace', 'list');
  const trial = await ask('workspace', 'prune', '--older-than', '0', '--dry-run');
  const pruned = await ask('workspace', 'prune', '--older-than', '0');
  const rest = await ask('workspace', 'list', '--json');

  expect(list.stdout).toMatch(/KiB +mirror .* no +acme\/widgets$/m);
  expect(trial.stdout).toMatch(mirror);
  expect(trial.stdout).toMatch(/Would remove 1 thing, [\d.]+ KiB\.$/);
  expect(pruned.stdout).toMatch(mirror);
  expect(pruned.stdout).toMatch(/Removed 1 thing, [\d.]+ KiB\.$/);
  expect(JSON.parse(rest.stdout)).toEqual({ items: [] });
});

test('started again it is still paused, until somebody says otherwise; then it takes work', async () => {
  const polls = world.coordinator.polls.length;
  daemon = start();
  await until('it polls', () => world.coordinator.polls.length > polls);
  expect(world.coordinator.polls.at(-1)?.freeSlots).toBe(0);
  expect(await readStatus()).toMatchObject({ state: 'paused', paused: { reason: 'new disk' } });

  expect((await ask('resume')).stdout).toBe('Resumed: it takes work again.');

  await until('the coordinator knows', () => world.coordinator.polls.at(-1)?.freeSlots === 2);
});

/** `yardmaster runner <args>`, on this machine. */
function ask(...args: string[]) {
  return yardmaster(['runner', ...args, '--config', 'runner.yml'], world.folder, { SHELL: shellFile() });
}

/** What somebody on the machine works with. */
function shellFile(): string {
  return path.join(world.folder, 'shell.sh');
}

async function readStatus(): Promise<RunnerStatus> {
  return RunnerStatus.parse(JSON.parse((await ask('status', '--json')).stdout));
}

/** Writes runner.yml. */
async function configure(overrides: Record<string, unknown>, folder = world.folder): Promise<void> {
  const settings = {
    agent_id: 'be-1',
    coordinator_url: world.coordinator.url,
    specialties: ['backend'],
    workspace_root: './work',
    agents: {
      house: {
        kind: 'command',
        command: [process.execPath, HOUSE_AGENT],
        env: { HOUSE_SCENARIO: 'wait', HOUSE_GO_ON: path.join(world.folder, 'go-on') },
      },
    },
    sandbox: 'off',
    capabilities: { declared: ['os:linux'] },
    health: { port: 0 },
    ...overrides,
  };
  await writeFile(path.join(folder, 'runner.yml'), stringify(settings));
}

function start(): ChildProcess {
  const bin = path.resolve('bin/yardmaster.js');
  return spawn(process.execPath, [bin, 'runner', 'run'], {
    cwd: world.folder,
    env: {
      PATH: process.env['PATH'],
      HOME: world.folder,
      NOTIFY_SOCKET: path.join(world.folder, 'notify'),
      WATCHDOG_USEC: '1000000',
    },
    stdio: 'ignore',
  });
}
