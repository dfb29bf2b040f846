import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { createOperatorClient } from '../../src/operator/operator-client.ts';
import { coordinatorEnvironment, yardmaster } from '../support/command-line.ts';
import { type CheckedStandin, startStandin } from '../support/standin.ts';
import { until } from '../support/until.ts';

const OWNER = 'octavia';
const REPOSITORY = `${OWNER}/corner-shop`;
const root = path.resolve(import.meta.dirname, '..', '..');
const PATIENCE_MS = 150_000;
const TITLE = 'A 25 % discount takes only 25 cents off';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'yard-recover-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a coordinator that was killed and lost its data rebuilds its jobs, and each ends with one pull request', async () => {
  await using github = await startStandin();
  github.createUser(OWNER);
  github.createUser('mallory');
  await github.createRepository({
    owner: OWNER,
    name: 'corner-shop',
    fromDirectory: path.join(root, 'src', 'demo', 'sample'),
  });
  github.setRole(REPOSITORY, 'mallory', 'write');
  await github.install(OWNER, { repositories: 'all' });
  let running: number;
  let waiting: number;
  {
    await using first = await startCoordinator(github);
    await using runner = await startRunner(first, 'old');
    running = await ask(github);
    await until(
      'the agent works',
      async () => (await first.operator.jobs()).some(({ state }) => state === 'running'),
      PATIENCE_MS,
    );
    waiting = await ask(github);
    await until(
      'both comments tell of their branches',
      () =>
        [running, waiting].every(
          (issue) => github.state.comments(REPOSITORY, issue)[0]?.body?.includes('check run') === true,
        ),
      PATIENCE_MS,
    );
    first.child.kill('SIGKILL');
    await first.child;
    runner.child.kill('SIGKILL');
    await runner.child;
  }
  await rm(path.join(folder, 'data'), { recursive: true });
  const forged = await ask(github);
  const [comment] = github.state.comments(REPOSITORY, running);
  await github.as('mallory').comment(REPOSITORY, forged, comment?.body ?? '');

  const environment = coordinatorEnvironment(github, folder);
  const dryRun = await yardmaster(['recover', '--dry-run'], folder, environment);
  const recovered = await yardmaster(['recover'], folder, environment);
  const again = await yardmaster(['recover'], folder, environment);

  expect(dryRun.all).toContain('Nothing was changed');
  expect(dryRun.all.match(/begin again/g)).toHaveLength(2);
  expect(recovered.all).toContain('runner token');
  expect([dryRun.exitCode, recovered.exitCode, again.exitCode]).toEqual([0, 0, 1]);
  expect(again.all).toContain('--force');

  await using second = await startCoordinator(github);
  await using runner = await startRunner(second, 'new');
  await runner.goOn();
  await until(
    'all three jobs succeeded, the one that nobody heard of, too',
    async () => (await second.operator.jobs()).filter(({ state }) => state === 'succeeded').length === 3,
    PATIENCE_MS,
  );
  await until('three pull requests', () => github.state.pullRequests(REPOSITORY).length === 3, PATIENCE_MS);
  for (const issue of [running, waiting]) {
    const comments = github.state.comments(REPOSITORY, issue);
    expect(comments).toHaveLength(1);
    await until(
      'the comment links the pull request',
      () => github.state.comments(REPOSITORY, issue)[0]?.body?.includes('/pull/') === true,
      PATIENCE_MS,
    );
  }
  await until(
    'no check run of an old attempt is left open',
    () => github.state.checkRuns(REPOSITORY).every(({ status }) => status === 'completed'),
    PATIENCE_MS,
  );
  expect(await second.operator.jobs()).toHaveLength(3);
}, 600_000);

async function startCoordinator(github: CheckedStandin) {
  const child = yardmaster(['serve'], folder, coordinatorEnvironment(github, folder));
  let output = '';
  let hasEnded = false;
  void child.then(() => (hasEnded = true));
  child.all.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const operator = createOperatorClient(path.join(folder, 'data'));
  const status = await until(
    'the coordinator answers',
    () =>
      operator.status().catch(() => {
        if (hasEnded) throw new Error(`The coordinator ended:\n${output}`);
        return undefined;
      }),
    PATIENCE_MS,
  );
  github.webhooks.target(`${status.url}/api/github/webhooks`);
  return {
    child,
    operator,
    url: status.url,
    async [Symbol.asyncDispose](): Promise<void> {
      github.webhooks.target(undefined);
      child.kill('SIGTERM');
      child.kill('SIGTERM');
      await child;
    },
  };
}

/** Its agent mends the discount as soon as it may. */
async function startRunner(coordinator: Awaited<ReturnType<typeof startCoordinator>>, name: string) {
  const mayGoOn = path.join(folder, `${name}-go-on`);
  const agent = path.join(folder, `${name}-agent.mjs`);
  await writeFile(
    agent,
    `import { existsSync } from 'node:fs';
while (!existsSync(${JSON.stringify(mayGoOn)})) await new Promise((resolve) => setTimeout(resolve, 20));
await import(${JSON.stringify(path.join(root, 'test', 'fixtures', 'bin', 'work-by-title.mjs'))});
`,
  );
  const config = path.join(folder, `${name}.yml`);
  await writeFile(
    config,
    stringify({
      agent_id: name,
      hostname: '127.0.0.1',
      coordinator_url: coordinator.url,
      specialties: ['backend'],
      workspace_root: path.join(folder, name),
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
  await until(
    'the runner is online',
    async () => (await coordinator.operator.runners()).some(({ state }) => state === 'online'),
    PATIENCE_MS,
  );
  return {
    child,
    goOn: () => writeFile(mayGoOn, ''),
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill('SIGTERM');
      child.kill('SIGTERM');
      await child;
    },
  };
}

/** Opens an issue and labels it. Answers its number. */
async function ask(github: CheckedStandin): Promise<number> {
  const { number } = await github
    .as(OWNER)
    .openIssue({ repository: REPOSITORY, title: TITLE, body: 'See there.' });
  await github.as(OWNER).addLabel(REPOSITORY, number, 'agent:backend');
  return number;
}
