import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RUNNER_EXIT } from '../../src/runner/exit-codes.ts';
import type { RunnerConfig } from '../../src/runner/config.ts';
import { takeWorkspaceLock } from '../../src/runner/lock.ts';
import { aRunnerConfig, type InProcessRunner, startInProcess } from '../support/in-process-runner.ts';
import { type RunnerWorld, startRunnerWorld } from '../support/runner-world.ts';
import { until } from '../support/until.ts';

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

describe('signals', () => {
  test('an idle runner leaves on the first one, in order', async () => {
    runner = await start('fix');

    runner.signal('SIGINT');

    expect(await runner.exit).toBe(RUNNER_EXIT.ok);
    expect(world.coordinator.sessions.at(-1)).toBe('closed');
  });

  test('the first one lets the work be finished', async () => {
    runner = await start('wait');
    const attempt = world.coordinator.offer(await world.makeSpec());
    await until('the agent works', () => attempt.log.includes('[house] Working in'));

    runner.signal();
    await until('it says that it drains', () => world.coordinator.polls.at(-1)?.draining);
    await writeFile(path.join(world.folder, 'go-on'), '');

    expect(await runner.exit).toBe(RUNNER_EXIT.ok);
    expect(attempt.result?.outcome).toBe('pull_request');
  });

  test('the second one ends the work, which may be tried elsewhere', async () => {
    runner = await start('hang');
    const attempt = world.coordinator.offer(await world.makeSpec());
    await until('the agent works', () => attempt.log.includes('[house] Working in'));

    runner.signal();
    runner.signal();

    expect(await runner.exit).toBe(RUNNER_EXIT.ok);
    expect(attempt.result).toMatchObject({
      outcome: 'cancelled',
      retryable: true,
      reason: 'The runner was shut down in the middle of its work.',
    });
  });

  test('the first one is enough while the coordinator is not there', async () => {
    world.coordinator.setConnected(false);
    runner = await startInProcess(aRunnerConfig(world, 'fix'));
    await until('it knocks', () => world.coordinator.cutRequests() > 1);

    runner.signal();

    expect(await runner.exit).toBe(RUNNER_EXIT.ok);
  });
});

describe('what keeps a runner from going on', () => {
  test.each([
    ['revoked', RUNNER_EXIT.revoked],
    ['protocol_unsupported', RUNNER_EXIT.protocolUnsupported],
    ['superseded', RUNNER_EXIT.superseded],
  ] as const)('%s has an exit code of its own, at the start and later', async (code, exit) => {
    world.coordinator.fail('session', code);
    runner = await start('fix');
    expect(await runner.exit).toBe(exit);

    runner = await start('fix');
    world.coordinator.fail('poll', code);
    world.coordinator.setConnected(false);
    world.coordinator.setConnected(true);
    expect(await runner.exit).toBe(exit);
  });

  test('a second runner in the same folder', async () => {
    runner = await start('fix');

    const second = await start('fix');

    expect(await second.exit).toBe(RUNNER_EXIT.locked);
    expect(second.lines.at(-1)?.['msg']).toContain(`another runner (process ${process.pid}) works in`);
    expect(world.coordinator.callsOf('session')).toHaveLength(1);
  });

  test('a second runner of the same identity in another folder', async () => {
    runner = await start('fix');
    const workspaceRoot = path.join(world.folder, 'other');

    const second = await start('fix', { workspaceRoot });

    expect(await second.exit).toBe(RUNNER_EXIT.locked);
    expect(second.lines.at(-1)?.['msg']).toContain(`another runner (process ${process.pid}, in `);
    expect(world.coordinator.callsOf('session')).toHaveLength(1);
    const freed = await takeWorkspaceLock(path.join(workspaceRoot, '.yardmaster'));
    expect(freed.ok, 'it keeps no hold on its folder').toBe(true);
    if (freed.ok) freed.lock.release();
  });

  test('a user without a folder for state is no reason not to work', async () => {
    await writeFile(path.join(world.folder, 'state'), 'in the way');

    runner = await start('fix');

    await until('it polls', () => world.coordinator.polls.length > 0);
    expect(runner.lines).toContainEqual(
      expect.objectContaining({
        level: 40,
        msg: 'Nothing keeps a second runner of this identity from starting here',
      }),
    );
  });

  test('no key', async () => {
    const config = aRunnerConfig(world, 'fix', { keyFile: path.join(world.folder, 'key.json') });

    runner = await startInProcess(config, { isEnrolled: false });

    expect(await runner.exit).toBe(RUNNER_EXIT.configuration);
    expect(runner.lines.at(-1)?.['msg']).toContain('yardmaster runner enroll');
  });

  test('a log file that can’t be written', async () => {
    const file = path.join(world.folder, 'is-a-folder');
    await mkdir(file);

    runner = await start('fix', { logging: { level: 'info', file } });

    expect(await runner.exit).toBe(RUNNER_EXIT.configuration);
    expect(runner.said.join('')).toContain(`logging.file: ${file} can't be written`);
  });
});

describe('a running runner', () => {
  test('writes its log to the file too, whose folder it makes', async () => {
    const file = path.join(world.folder, 'logs', 'deep', 'runner.log');

    runner = await start('fix', { logging: { level: 'info', file } });
    runner.signal();
    await runner.exit;

    expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(runner.lines.length);
    await rm(path.dirname(file), { recursive: true });
  });

  test('tells its health: who it is, what it works on, whether it drains', async () => {
    runner = await start('wait', { health: { host: '127.0.0.1', port: 0 } });
    const attempt = world.coordinator.offer(await world.makeSpec());
    await until('the agent works', () => attempt.log.includes('[house] Working in'));

    const answer = (await fetch(`${await runner.ready}/health`)).json();
    runner.signal();
    const draining = (await fetch(`${await runner.ready}/health`)).json();

    expect(await answer).toMatchObject({
      status: 'ok',
      name: 'be-1',
      attempts: [{ attemptId: attempt.spec.attemptId, specialty: 'backend', phase: 'agent' }],
    });
    expect(await draining).toMatchObject({ status: 'draining' });
  });

  test('does without its health server when the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = other.address() as AddressInfo;

      runner = await start('fix', { health: { host: '127.0.0.1', port } });

      expect(await runner.ready).toBe(null);
      expect(runner.lines.map(({ msg }) => msg)).toContain(
        'Health can not be served: choose another health.port in runner.yml, or false',
      );
    } finally {
      other.close();
    }
  });

  test('says of itself what it has, and which agents can run', async () => {
    runner = await start('fix', {
      specialties: ['backend', 'python'],
      capabilities: { extra: ['gpu'], declared: ['os:linux', 'python:3'] },
      agents: {
        ...aRunnerConfig(world, 'fix').agents,
        broken: { kind: 'command', command: ['/no/such/agent'], env: {} },
      },
    });

    expect(world.coordinator.facts.at(-1)).toEqual({
      name: 'be-1',
      hostname: 'this-machine',
      specialties: ['backend', 'python'],
      capabilities: ['os:linux', 'python:3', 'gpu', 'agent:house'],
      capacity: 2,
      version: '0.0.0-test',
    });
    expect(runner.lines).toContainEqual(
      expect.objectContaining({ agent: 'broken', msg: 'An agent can not run here' }),
    );
  });
});

/** A runner that takes work, or has ended. */
async function start(scenario: string, overrides: Partial<RunnerConfig> = {}): Promise<InProcessRunner> {
  const started = await startInProcess(aRunnerConfig(world, scenario, overrides));
  await started.ready;
  return started;
}
