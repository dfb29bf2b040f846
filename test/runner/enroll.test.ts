import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { toError } from '../../src/lib/to-error.ts';
import { readRunnerConfig } from '../../src/runner/config.ts';
import {
  type Enrollment,
  type EnrollDeps,
  enrollRunner,
  type EnrollOptions,
} from '../../src/runner/enroll.ts';
import { examineThisMachine } from '../../src/runner/main.ts';
import { readKeyFile } from '../../src/runner/key-file.ts';
import {
  ENROLL_TOKEN,
  type FakeCoordinator,
  RUNNER_ID,
  RUNNER_KEY,
  startFakeCoordinator,
} from '../support/fake-coordinator.ts';
import { whyNoSandbox } from '../support/sandboxed.ts';
import { createTestLogger } from '../support/test-logger.ts';

const machine = { hostname: 'this-machine', homeFolder: '/home/me' };

let coordinator: FakeCoordinator;
let folder: string;
let configPath: string;

beforeEach(async () => {
  coordinator = await startFakeCoordinator();
  folder = await mkdtemp(path.join(tmpdir(), 'enroll-'));
  configPath = path.join(folder, 'runner.yml');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
  await coordinator[Symbol.asyncDispose]();
});

test('a new machine gets a key for its user alone, and a configuration that loads', async () => {
  const enrollment = await enroll({ name: 'be-1', specialties: ['backend', 'python'] });

  const keyFile = path.join(folder, 'workspaces', '.yardmaster', 'runner-key.json');
  expect(enrollment).toMatchObject({ ok: true, runnerId: RUNNER_ID, keyFile, wroteConfig: true });
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  expect(await readKeyFile(keyFile)).toEqual({
    ok: true,
    key: { runnerId: RUNNER_ID, key: RUNNER_KEY, coordinatorUrl: coordinator.url },
  });
  const reading = await readRunnerConfig({ file: configPath, variables: {}, machine });
  expect(reading).toMatchObject({
    ok: true,
    config: { agentId: 'be-1', specialties: ['backend', 'python'], keyFile, hostname: 'this-machine' },
  });
  expect(coordinator.facts[0]).toMatchObject({
    name: 'be-1',
    specialties: ['backend', 'python'],
    capacity: 2,
  });
  expect(enrollment.ok && enrollment.text).toContain(`Next: yardmaster runner run --config ${configPath}`);
  expect(enrollment.ok && enrollment.text).not.toContain(RUNNER_KEY);
});

test('the sandbox is required where it works, and where it does not that is said', async () => {
  const here = await enroll({ name: 'be-1', specialties: ['backend'] });
  const withIt = await readFile(configPath, 'utf8');
  await rm(configPath);
  const there = await enroll({ name: 'be-1', specialties: ['backend'] }, { machineEnv: { PATH: folder } });
  const withoutIt = await readFile(configPath, 'utf8');

  const works = (await whyNoSandbox()) === null;
  expect(withIt).toContain(`sandbox:\n  mode: ${works ? 'required' : 'auto'}\n`);
  expect(here.ok && here.text.includes('without a sandbox')).toBe(!works);
  expect(withoutIt).toContain('sandbox:\n  mode: auto\n');
  expect(there.ok && there.text).toContain('apt-get install bubblewrap');
});

test('an existing configuration is used as it is', async () => {
  const text = `agent_id: fe-1
coordinator_url: http://10.0.0.1:8080
specialties: [frontend]
workspace_root: here
max_concurrent_tasks: 5
capabilities: { declared: [gpu] }
`;
  await writeFile(configPath, text);

  const enrollment = await enroll({ name: 'ignored', specialties: ['backend'] });

  expect(await readFile(configPath, 'utf8')).toBe(text);
  expect(coordinator.facts[0]).toMatchObject({
    name: 'fe-1',
    specialties: ['frontend'],
    capacity: 5,
    capabilities: ['gpu'],
  });
  expect(enrollment.ok && enrollment.text).toContain('coordinator_url in');
});

test.each<[string, Partial<EnrollOptions>, string]>([
  ['no specialty', {}, 'specialties: must name at least one specialty'],
  ['an odd name', { name: 'my runner', specialties: ['backend'] }, 'agent_id: must be 1 to 100'],
])('%s is told before the token is used up', async (_, options, problem) => {
  const enrollment = await enroll(options);

  expect(!enrollment.ok && enrollment.problems.join('\n')).toContain(problem);
  expect(coordinator.callsOf('enroll')).toEqual([]);
});

test('a wrong token leaves no traces', async () => {
  await expect(enroll({ specialties: ['backend'], token: 'wrong' })).rejects.toMatchObject({ status: 401 });

  await expect(stat(configPath)).rejects.toMatchObject({ code: 'ENOENT' });
});

test.each([
  ['a port that fetch refuses', () => 'http://127.0.0.1:9', 'another protocol'],
  ['a port where nobody listens', findClosedPort, 'ECONNREFUSED'],
])('at %s it is said where to look', async (_, findUrl, reason) => {
  const url = await findUrl();
  const clock = { ...systemClock, sleep: () => Promise.resolve() };

  const error = await enroll({ url, specialties: ['backend'] }, { clock }).catch(toError);

  const { message } = error as Error;
  expect(message).toContain(`No coordinator answers at ${url} (`);
  expect(message).toContain(reason);
  expect(message).toContain('“yardmaster serve” running there with HOST=0.0.0.0');
});

test('a machine that was not enrolled is told how by the doctor', async () => {
  const checks = await examineThisMachine(configPath, { githubUrl: null }, {});

  expect(checks).toMatchObject([
    { name: 'runner.yml', result: 'failed', fix: expect.stringMatching(/^yardmaster runner enroll /) },
  ]);
});

async function findClosedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

function enroll(options: Partial<EnrollOptions>, deps: Partial<EnrollDeps> = {}): Promise<Enrollment> {
  return enrollRunner(
    { url: coordinator.url, token: ENROLL_TOKEN, configPath, ...options },
    {
      version: '0.0.0-test',
      machineEnv: { PATH: process.env['PATH'] },
      machine,
      fetch,
      clock: systemClock,
      random: systemRandom,
      log: createTestLogger(),
      ...deps,
    },
  );
}
