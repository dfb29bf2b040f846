import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { createOperatorClient } from '../../src/operator/operator-client.ts';
import { coordinatorEnvironment, yardmaster } from '../support/command-line.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { processesWith } from '../support/processes.ts';
import { type CheckedStandin, startStandin } from '../support/standin.ts';
import { until } from '../support/until.ts';

const OWNER = 'octavia';
const REPOSITORY = `${OWNER}/corner-shop`;
const root = path.resolve(import.meta.dirname, '..', '..');
/** Five processes share the machine with whatever else runs on it. */
const PATIENCE_MS = 100_000;
const TITLE = 'A 25 % discount takes only 25 cents off';

let folder: string;
let database: TestDatabase;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'yard-two-'));
  database = await createTestDatabase();
}, 60_000);
afterEach(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('a webhook into one coordinator is a job for the runner that polls the other, and done once', async () => {
  await using github = await startStandin();
  await using first = await startCoordinator(github, 'first');
  await using second = await startCoordinator(github, 'second');
  await createRepository(github, first.url);
  await using runner = await startRunner(second);
  await runner.goOn();

  const issue = await ask(github);

  const job = await until(
    'the job succeeded',
    async () => {
      const [job] = await first.operator.jobs();
      return job?.state === 'succeeded' ? job : undefined;
    },
    PATIENCE_MS,
  );
  expect(await second.operator.jobs()).toMatchObject([{ id: job.id, state: 'succeeded' }]);
  expect((await second.operator.job(job.id)).attempts).toHaveLength(1);
  await until(
    'the pull request is on the issue',
    () => github.state.comments(REPOSITORY, issue)[0]?.body?.includes('/pull/') === true,
    PATIENCE_MS,
  );
  expect(github.state.comments(REPOSITORY, issue)).toHaveLength(1);
  expect(github.state.pullRequests(REPOSITORY)).toHaveLength(1);
  expect(`${first.output()}${second.output()}`).not.toContain(new URL(database.url).password);
}, 300_000);

test('one coordinator is killed in the middle of a job, and the other goes on', async () => {
  await using github = await startStandin();
  await using first = await startCoordinator(github, 'first');
  await using second = await startCoordinator(github, 'second');
  await createRepository(github, first.url);
  await using runner = await startRunner(second);
  const issue = await ask(github);
  await until(
    'the agent works',
    async () => (await second.operator.jobs()).some(({ state }) => state === 'running'),
    PATIENCE_MS,
  );
  github.webhooks.target(`${second.url}/api/github/webhooks`);

  first.child.kill('SIGKILL');
  await first.child;
  await runner.goOn();

  await until(
    'the job succeeded',
    async () => (await second.operator.jobs()).every(({ state }) => state === 'succeeded'),
    PATIENCE_MS,
  );
  await until(
    'the pull request is on the issue',
    () => github.state.comments(REPOSITORY, issue)[0]?.body?.includes('/pull/') === true,
    PATIENCE_MS,
  );
  expect(github.state.pullRequests(REPOSITORY)).toHaveLength(1);
  const next = await ask(github);
  await until(
    'the next job succeeded, too',
    async () => (await second.operator.jobs()).filter(({ state }) => state === 'succeeded').length === 2,
    PATIENCE_MS,
  );
  expect(github.state.comments(REPOSITORY, next)).toHaveLength(1);
}, 300_000);

/** A process of its own, with a data folder of its own. */
async function startCoordinator(github: CheckedStandin, name: string) {
  const own = path.join(folder, name);
  const child = yardmaster(['serve'], folder, {
    ...coordinatorEnvironment(github, own),
    DATABASE_URL: database.url,
  });
  let output = '';
  let hasEnded = false;
  void child.then(() => (hasEnded = true));
  child.all.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const operator = createOperatorClient(path.join(own, 'data'));
  const status = await until(`the ${name} coordinator answers`, () =>
    operator.status().catch(() => {
      if (hasEnded) throw new Error(`The ${name} coordinator ended:\n${output}`);
      return undefined;
    }),
  );
  return {
    child,
    operator,
    url: status.url,
    output: () => output,
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill('SIGTERM');
      await child;
    },
  };
}

/** A runner of one coordinator, whose agent mends the discount as soon as it may. */
async function startRunner(coordinator: Awaited<ReturnType<typeof startCoordinator>>) {
  const mayGoOn = path.join(folder, 'go-on');
  const agent = path.join(folder, 'patient-agent.mjs');
  await writeFile(
    agent,
    `import { existsSync } from 'node:fs';
while (!existsSync(${JSON.stringify(mayGoOn)})) await new Promise((resolve) => setTimeout(resolve, 20));
await import(${JSON.stringify(path.join(root, 'test', 'fixtures', 'bin', 'work-by-title.mjs'))});
`,
  );
  const config = path.join(folder, 'runner.yml');
  await writeFile(
    config,
    stringify({
      agent_id: 'backend-pc',
      hostname: '127.0.0.1',
      coordinator_url: coordinator.url,
      specialties: ['backend'],
      workspace_root: path.join(folder, 'backend-pc'),
      health: { port: 0 },
      // The agent waits for a file of the test's, which no sandbox shows.
      sandbox: 'off',
      default_agent: 'patient',
      agents: { patient: { kind: 'command', command: [process.execPath, agent] } },
    }),
  );
  const { token } = await coordinator.operator.createRunnerToken({ specialties: ['backend'] });
  await yardmaster(['runner', 'enroll', coordinator.url, '--token', token, '--config', config], folder);
  const child = yardmaster(['runner', 'run', '--config', config], folder);
  await until('the runner is online', async () =>
    (await coordinator.operator.runners()).some(({ state }) => state === 'online'),
  );
  return {
    goOn: () => writeFile(mayGoOn, ''),
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill('SIGTERM');
      child.kill('SIGTERM');
      await child;
      expect(processesWith(folder)).not.toContain(child.pid);
    },
  };
}

async function createRepository(github: CheckedStandin, url: string): Promise<void> {
  github.createUser(OWNER);
  await github.createRepository({
    owner: OWNER,
    name: 'corner-shop',
    fromDirectory: path.join(root, 'src', 'demo', 'sample'),
  });
  github.webhooks.target(`${url}/api/github/webhooks`);
  await github.install(OWNER, { repositories: 'all' });
}

/** Opens an issue and labels it. Answers its number. */
async function ask(github: CheckedStandin): Promise<number> {
  const { number } = await github
    .as(OWNER)
    .openIssue({ repository: REPOSITORY, title: TITLE, body: 'See there.' });
  await github.as(OWNER).addLabel(REPOSITORY, number, 'agent:backend');
  return number;
}
