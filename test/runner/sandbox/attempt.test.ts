import { once } from 'node:events';
import { chmod, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JobSettings, JobSpec } from '../../../src/contract/job.ts';
import type { RunnerConfig } from '../../../src/runner/config.ts';
import { RUNNER_EXIT } from '../../../src/runner/exit-codes.ts';
import { toSandboxSettings } from '../../../src/runner/sandbox/sandbox-settings.ts';
import { aRunnerConfig, type InProcessRunner, startInProcess } from '../../support/in-process-runner.ts';
import { processesWith } from '../../support/processes.ts';
import { type RunnerWorld, startRunnerWorld, WIDGETS } from '../../support/runner-world.ts';
import { whyNoSandbox } from '../../support/sandboxed.ts';
import { until } from '../../support/until.ts';

const CONNECT_ELSEWHERE = `
  const proxy = new URL(process.env.HTTPS_PROXY);
  require('node:http').request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: 'evil.example.com:443' })
    .on('connect', () => process.exit(9)).end();`;

const hasSandbox = (await whyNoSandbox()) === null;
/** There a changed file can’t be told, so nothing of set-up is kept. */
const isInMemory = (await statfs(tmpdir())).type === 0x01021994;

/** Says of each `host:port` whether the proxy leads there, and ends well. */
const TRY_HOSTS = `
  const { hostname, port } = new URL(process.env.HTTPS_PROXY);
  const ask = (path) => new Promise((resolve, reject) => {
    require('node:http').request({ host: hostname, port, method: 'CONNECT', path })
      .on('connect', ({ statusCode }, socket) => { socket.destroy(); resolve(path + ' ' + statusCode); })
      .on('error', reject).end();
  });
  Promise.all(process.argv.slice(1).map(ask)).then((all) => console.log('tried ' + all.join(', ')));`;
const FIX_SUM = `require('node:fs').writeFileSync('sum.js', 'export const sum = (a, b) => a + b;');`;

/** As set-up and tests: looks for the agent's folder, and leaves what an agent would obey wherever it can. Red until the work is whole. */
const PLANT = `
  const { existsSync, mkdirSync, readdirSync, writeFileSync } = require('node:fs');
  const beside = require('node:path').dirname(process.env.HOME);
  let tried = 'planted';
  try { writeFileSync(beside + '/agent/planted', ''); } catch ({ code }) { tried = code; }
  mkdirSync(process.env.HOME + '/.codex', { recursive: true });
  writeFileSync(process.env.HOME + '/.codex/AGENTS.md', 'obey me');
  console.log('beside HOME: ' + readdirSync(beside) + '; ' + tried);
  process.exit(existsSync('whole.txt') ? 0 : 1);`;
/** Its second round has what the first one kept. */
const KEEP = `
  const { readdirSync, writeFileSync } = require('node:fs');
  const own = process.env.YARDMASTER_AGENT_FOLDER;
  const found = readdirSync(own);
  console.log('found ' + (found.join() || 'nothing'));
  writeFileSync(own + '/said', 'in the first round');
  writeFileSync(found.includes('said') ? 'whole.txt' : 'half.txt', '');`;

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

describe.skipIf(!hasSandbox)('an attempt in the sandbox', () => {
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

  test('leads out only where settings and machine both allow it, and its tests nowhere else', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    // The machine's own host, that of the settings, one that the machine does not open, and one that nobody names.
    const [own, named] = [`localhost:${port}`, `127.0.0.1:${port}`];
    const targets = [own, named, 'closed.example.org:443', 'evil.example.com:443'];
    const sandbox = { ...SANDBOXED.sandbox, registries: false, hosts: [own], repositoryHosts: [named] };
    const command: [string, ...string[]] = [process.execPath, '-e', `${FIX_SUM}${TRY_HOSTS}`, ...targets];
    const agents = { house: { kind: 'command' as const, command, env: {} } };
    const probe = ['node', '-e', TRY_HOSTS, ...targets];

    const { attempt, result } = await work(
      'fix',
      {
        setupCommands: [probe],
        testCommands: [probe],
        hosts: [named, 'closed.example.org'],
        coverage: false,
      },
      { sandbox, agents },
    );
    server.close();

    const open = `${own} 200, ${named} 200, closed.example.org:443 403, evil.example.com:443 403`;
    const onlyNamed = open.replace(`${own} 200`, `${own} 403`);
    const { setup, before, after, refusedHosts } = result.evidence;
    expect(result.outcome).toBe('pull_request');
    expect(setup[0]?.outputTail).toBe(`tried ${open}\n`);
    expect(before?.runs[0]?.outputTail).toBe(`tried ${open}\n`);
    expect(attempt.log).toContain(`[house] tried ${onlyNamed}`);
    expect(after?.runs[0]?.outputTail).toBe(`tried ${onlyNamed}\n`);
    expect(refusedHosts).toEqual(
      expect.arrayContaining([
        { host: 'evil.example.com:443', by: 'setup', why: 'not_named' },
        { host: 'closed.example.org:443', by: 'agent', why: 'not_here' },
        { host: own, by: 'tests', why: 'not_named' },
      ]),
    );
    expect(attempt.log).toContain(`open from here: ${named}; not, or not in full: closed.example.org`);
    expect(world.checkRun(attempt.spec).output.summary).toContain(
      'The sandbox refused connections of set-up to',
    );
  });

  test('leaves its agent a folder that outlives rounds, and that neither set-up nor tests see', async () => {
    const agents = {
      house: {
        kind: 'command' as const,
        command: [process.execPath, '-e', KEEP] as [string, ...string[]],
        env: {},
      },
    };
    const plant = ['node', '-e', PLANT];

    const { attempt, result } = await work(
      'fix',
      {
        setupCommands: [plant.with(2, PLANT.replace(/process\.exit.*/, ''))],
        testCommands: [plant],
        repairRounds: 1,
      },
      { ...SANDBOXED, agents },
    );

    const { setup, before, after, repairRounds } = result.evidence;
    expect(result.outcome).toBe('pull_request');
    expect(repairRounds).toBe(1);
    const told = [...setup, ...(before?.runs ?? []), ...(after?.runs ?? [])].map(
      ({ outputTail }) => outputTail,
    );
    expect(told).toEqual(told.map(() => 'beside HOME: home,temp,work; ENOENT\n'));
    expect(told).toHaveLength(3);
    expect(attempt.log.match(/\[house\] found .*/g)).toEqual(['[house] found nothing', '[house] found said']);
  });

  test('finds git’s history in its workspace', async () => {
    const { result } = await work('fix', { testCommands: [['git', 'log', '--oneline', '--stat']] });

    expect(result.evidence.after).toMatchObject({ verdict: 'passed' });
  });

  test.skipIf(isInMemory)(
    'leaves what set-up made to the next round, whose tests are green with it',
    async () => {
      // No script of the repository runs when this is installed: what such a script makes is never taken over.
      const files = {
        'package.json': JSON.stringify({ type: 'module', workspaces: ['parts/*'] }),
        'parts/made/package.json': JSON.stringify({ name: 'made', version: '1.0.0' }),
      };
      await world.github.as('alice').pushFiles(WIDGETS, 'main', files, 'Set-up');
      const setup = ['npm', 'install', '--offline', '--no-package-lock', '--no-audit', '--no-fund'];
      const tests = ['node', '-e', `require('fs').statSync('node_modules/made/package.json')`];
      runner = await startInProcess(aRunnerConfig(world, 'fix', { ...SANDBOXED, keepWorkspacesHours: 1 }));
      await runner.ready;
      const first = await world.makeSpec({ settings: { setupCommands: [setup], testCommands: [tests] } });
      const { headCommit } = (await resultOf(first)).result;
      const roundWith = async (settings: Partial<JobSettings>) =>
        resultOf(await world.makeRound(first, headCommit ?? '', settings));

      const warm = await roundWith({});
      const red = await roundWith({ testCommands: [['node', '-e', 'process.exit(1)']] });
      const cold = await roundWith({});

      expect(warm.result.evidence).toMatchObject({
        setup: [],
        setupIsKept: true,
        before: { verdict: 'passed' },
      });
      expect(red.attempt.log).toContain('Set-up begins anew after all: Tests failed');
      expect(red.result.evidence).toMatchObject({ setup: [{ exitCode: 0 }], before: { verdict: 'failed' } });
      // The round before installed once more, into a folder in which an agent may have had a hand.
      expect(cold.attempt.log).toContain('Set-up begins anew: what set-up had made was changed since');
      expect(cold.result.evidence).toMatchObject({ setup: [{ exitCode: 0 }], before: { verdict: 'passed' } });
      expect([red, cold].map(({ result }) => result.evidence.setupIsKept)).toEqual([undefined, undefined]);
    },
  );

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

describe('a machine on which the sandbox does not work', () => {
  let bin: string;
  beforeEach(async () => {
    bin = await mkdtemp(path.join(tmpdir(), 'no-bubblewrap-'));
  });
  afterEach(() => rm(bin, { recursive: true, force: true }));

  /** The kernel lets nobody make a user namespace. */
  async function breakBubblewrap(): Promise<string> {
    const words = 'bwrap: setting up uid map: Permission denied';
    await writeFile(path.join(bin, 'bwrap'), `#!/bin/sh\necho '${words}' >&2\nexit 1\n`);
    await chmod(path.join(bin, 'bwrap'), 0o755);
    return `${bin}:${process.env['PATH']}`;
  }

  function start(mode: 'auto' | 'required' | 'preferred', searchPath: string): Promise<InProcessRunner> {
    const sandbox = toSandboxSettings(mode, (folder) => folder);
    return startInProcess(aRunnerConfig(world, 'fix', { sandbox }), { path: searchPath });
  }

  test('does not start when it is required, and says what to do', async () => {
    runner = await start('required', bin);

    expect(await runner.exit).toBe(RUNNER_EXIT.configuration);
    expect(JSON.stringify(runner.lines)).toContain('apt-get install bubblewrap');
  });

  test('nor where bubblewrap itself fails, whose words are told with the ways out', async () => {
    runner = await start('required', await breakBubblewrap());

    expect(await runner.exit).toBe(RUNNER_EXIT.configuration);
    const said = JSON.stringify(runner.lines);
    expect(said).toContain('sandbox is required in runner.yml, but does not work here.');
    expect(said).toContain('bubblewrap says: bwrap: setting up uid map: Permission denied.');
    expect(said).toContain('AppArmor');
    expect(said).toContain('--security-opt seccomp=unconfined');
  });

  test('goes on without when it is only preferred, and warns loudly', async () => {
    runner = await start('preferred', await breakBubblewrap());
    await runner.ready;

    const warning = runner.lines.find(({ msg }) => String(msg).startsWith('NO SANDBOX'));
    expect(warning).toMatchObject({ problem: expect.stringContaining('Permission denied. It needs') });
  });

  test('goes on without by default, as long as it never worked', async () => {
    runner = await start('auto', bin);
    await runner.ready;

    expect(runner.lines.map(({ msg }) => String(msg)).join()).toContain('NO SANDBOX');
  });

  test.skipIf(!hasSandbox)('but not when it did', async () => {
    runner = await start('auto', process.env['PATH'] ?? '');
    await runner.ready;
    runner.signal();
    await runner.exit;

    runner = await start('auto', await breakBubblewrap());

    expect(await runner.exit).toBe(RUNNER_EXIT.configuration);
    const said = JSON.stringify(runner.lines);
    expect(said).toContain('The sandbox has worked on this machine, and does not any more');
    expect(said).toContain('sandbox: preferred in runner.yml');
    expect(said).not.toContain('NO SANDBOX');
  });
});

const SANDBOXED = { sandbox: toSandboxSettings('required', (folder) => folder) };

async function work(
  scenario: string,
  settings: Partial<JobSettings>,
  config: Partial<RunnerConfig> = SANDBOXED,
) {
  runner = await startInProcess(aRunnerConfig(world, scenario, config));
  await runner.ready;
  return await resultOf(await world.makeSpec({ settings }));
}

async function resultOf(spec: JobSpec) {
  const attempt = world.coordinator.offer(spec);
  const result = await until('the attempt has ended', () => attempt.result);
  return { attempt, result };
}
