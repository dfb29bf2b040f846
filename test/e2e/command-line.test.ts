import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { DEFAULT_TIMINGS } from '../../src/domain/timings.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createOperatorClient } from '../../src/operator/operator-client.ts';
import { createEmbeddedStore } from '../../src/store/embedded.ts';
import type { NewDelivery } from '../../src/store/store.ts';
import { coordinatorEnvironment, METRICS_TOKEN, yardmaster } from '../support/command-line.ts';
import { type CheckedStandin, startStandin } from '../support/standin.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { until } from '../support/until.ts';

const OWNER = 'octavia';
const REPOSITORY = `${OWNER}/widgets`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'yard-cli-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('yardmaster serve', () => {
  test('refuses to start without settings, and lists all that is missing at once', async () => {
    const { exitCode, stderr } = await yardmaster(['serve'], folder);

    expect(exitCode).toBe(2);
    expect(stderr).toContain('WEBHOOK_SECRET is missing');
    expect(stderr).toContain('APP_ID is missing');
    expect(stderr).toContain('PRIVATE_KEY_PATH is missing');
    expect(stderr).toContain('.env.example');
  });

  test('refuses the secret that everybody knows, and says what to use', async () => {
    await using github = await startStandin();
    const environment = { ...coordinatorEnvironment(github, folder), WEBHOOK_SECRET: 'development' };

    const { exitCode, stderr } = await yardmaster(['serve'], folder, environment);

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/WEBHOOK_SECRET.*openssl rand -hex 32/s);
  });

  test('takes settings from .env, below the real environment', async () => {
    await writeFile(path.join(folder, '.env'), 'APP_ID=not-a-number\nWEBHOOK_SECRET=0123456789abcdef\n');

    const { stderr } = await yardmaster(['serve'], folder);

    expect(stderr).toMatch(/APP_ID must be the numeric App ID/);
    expect(stderr).not.toContain('WEBHOOK_SECRET');
  });

  test('a second coordinator on the same data folder is told so', async () => {
    await using github = await startStandin();
    await using first = await startCoordinator(github);

    const second = await yardmaster(['serve'], folder, coordinatorEnvironment(github, folder));

    expect(second.exitCode).toBe(1);
    expect(second.stderr).toMatch(/another|in use/i);
    expect((await fetch(`${first.url}/health`)).status).toBe(200);
    expect((await fetch(`${first.url}/metrics`)).status).toBe(401);
    const metrics = await fetch(`${first.url}/metrics`, {
      headers: { authorization: `Bearer ${METRICS_TOKEN}` },
    });
    expect(metrics.headers.get('content-type')).toContain('text/plain');
    expect(await metrics.text()).toContain('yardmaster_jobs{state="queued"} 0');
    const schema = await fetch(`${first.url}/yardmaster.schema.json`);
    expect(await schema.json()).toMatchObject({ $id: 'urn:yardmaster:settings' });
  });

  test('writes nothing that others on the machine could read', async () => {
    await using github = await startStandin();
    await using _coordinator = await startCoordinator(github);

    expect(await openToOthers(path.join(folder, 'data'))).toEqual([]);
  });

  test('a port that is taken is named, with the way out', async () => {
    await using github = await startStandin();
    const server = createServer().listen(0, '127.0.0.1');
    await until('the port is taken', () => server.listening);
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';

    const { exitCode, stderr } = await yardmaster(
      ['serve', '--port', port],
      folder,
      coordinatorEnvironment(github, folder),
    );
    server.close();

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(new RegExp(`${port} is taken.*--port`));
  });

  test('a database that can’t be used is told with what to do, and without its password', async () => {
    await using github = await startStandin();
    const environment = coordinatorEnvironment(github, folder);

    const [away, wrong] = await Promise.all(
      ['postgres://octavia:hunter-2-hunter@127.0.0.1:1/yard', 'mysql://octavia:hunter-2-hunter@db/yard'].map(
        (url) => yardmaster(['serve'], folder, { ...environment, DATABASE_URL: url }),
      ),
    );

    expect(away).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/127\.0\.0\.1:1.*nothing listens/),
    });
    expect(wrong).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/DATABASE_URL must be the URL of a PostgreSQL/),
    });
    expect(`${away?.all}${wrong?.all}`).not.toContain('hunter-2');
  });

  test('SIGTERM ends it in order', async () => {
    await using github = await startStandin();
    await using coordinator = await startCoordinator(github);

    coordinator.child.kill('SIGTERM');

    expect((await coordinator.child).exitCode).toBe(0);
  });

  test('after kill -9 it goes on with what was acknowledged', async () => {
    await using github = await startStandin();
    await using first = await startCoordinator(github);
    await seedRepository(github, first.url);
    // GitHub is away while the webhook comes in: it is stored, and can't be worked on yet.
    github.faults.add({ path: /^\/repos\//, status: 503, times: 1000 });
    const issue = await github.as(OWNER).openIssue({ repository: REPOSITORY, title: 'Kill me' });
    await github.as(OWNER).addLabel(REPOSITORY, issue.number, 'agent:backend');
    await github.webhooks.idle();
    first.child.kill('SIGKILL');
    await first.child;
    github.faults.clear();

    await using second = await startCoordinator(github);

    await until('the job is there', async () => (await second.operator.jobs()).length === 1);
    await until(
      'the status comment is there',
      () => github.state.comments(REPOSITORY, issue.number).length === 1,
    );
  });

  test('serves both webhook addresses, and refuses what is unsigned or too large', async () => {
    await using github = await startStandin();
    await using coordinator = await startCoordinator(github);
    const post = (route: string, body: string, headers: Record<string, string> = {}) =>
      fetch(`${coordinator.url}${route}`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
      });

    const forged = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` };
    expect((await post('/api/github/webhooks', '{}')).status).toBe(401);
    expect((await post('/webhook/github', '{}', forged)).status).toBe(401);
    expect((await post('/webhook/github', 'x'.repeat(26 * 1024 * 1024), forged)).status).toBe(413);
    expect(
      (await fetch(`${coordinator.url}/webhook/github`, { ...chunked('{}'), headers: forged })).status,
    ).toBe(411);
    expect((await fetch(`${coordinator.url}/health`)).status).toBe(200);
  });
});

describe('yardmaster webhook send', () => {
  test('signs a payload and injects it as a task', async () => {
    await using github = await startStandin();
    await using coordinator = await startCoordinator(github);
    const { installationId } = await seedRepository(github, undefined);
    const issue = await github.as(OWNER).openIssue({ repository: REPOSITORY, title: 'By hand' });
    await github.as(OWNER).addLabel(REPOSITORY, issue.number, 'agent:backend');
    const file = path.join(folder, 'issues.labeled.json');
    await writeFile(file, JSON.stringify(await labelledAtStandin(github, issue.number, installationId)));

    const { exitCode, stdout } = await yardmaster(
      ['webhook', 'send', file],
      folder,
      coordinatorEnvironment(github, folder),
    );

    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^issues .* 202/),
    });
    await until('the job is there', async () => (await coordinator.operator.jobs()).length === 1);
  });

  test('says what to do when the coordinator is not there', async () => {
    const file = path.join(folder, 'payload.json');
    await writeFile(file, JSON.stringify({ issue: {}, action: 'labeled' }));

    const { exitCode, stderr } = await yardmaster(['webhook', 'send', file], folder, {
      WEBHOOK_SECRET: '0123456789abcdef',
    });

    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/no coordinator runs.*yardmaster serve/);
  });
});

describe('yardmaster deliveries', () => {
  test('lists a dead letter, shows it, and has it handled again', async () => {
    await using github = await startStandin();
    const { installationId } = await seedRepository(github, undefined);
    const issue = await github.as(OWNER).openIssue({ repository: REPOSITORY, title: 'Dead' });
    await github.as(OWNER).addLabel(REPOSITORY, issue.number, 'agent:backend');
    const payload = JSON.stringify(await labelledAtStandin(github, issue.number, installationId));
    await bury({ guid: 'dead-0001', event: 'issues', orderKey: 'a', payload });
    await bury({ guid: 'dead-0002', event: 'ping', orderKey: 'b', payload: '{}' });
    await using coordinator = await startCoordinator(github);
    const deliveries = async (...args: string[]) => {
      const data = path.join(folder, 'data');
      const { exitCode, all } = await yardmaster(['deliveries', ...args, '--data', data], folder);
      return { exitCode, all };
    };

    const listed = await deliveries('list', '--dead');
    const shown = await deliveries('show', 'dead-0001');
    const unclear = await deliveries('show', 'dead-');
    const replayed = await deliveries('replay', 'dead-0001');
    await until('its job is there', async () => (await coordinator.operator.jobs()).length === 1);
    const rest = await deliveries('replay', '--all-dead');
    await until('none is dead', async () => (await coordinator.operator.status()).deliveries.dead === 0);
    const again = await deliveries('replay', '--all-dead');

    expect(listed).toMatchObject({ exitCode: 0, all: expect.stringMatching(/dead-0002[^]*dead-0001/) });
    expect(shown).toMatchObject({ exitCode: 0, all: expect.stringContaining('no luck at all') });
    expect(unclear).toMatchObject({ exitCode: 1, all: expect.stringContaining('More than one webhook') });
    expect(replayed).toEqual({ exitCode: 0, all: 'dead-0001 is handled again' });
    expect(rest).toEqual({ exitCode: 0, all: '1 dead letter is handled again' });
    expect(again).toEqual({ exitCode: 0, all: 'There are no dead letters' });
  });

  /** Puts a dead letter into the data folder, as five tries would have left it. */
  async function bury(delivery: NewDelivery): Promise<void> {
    const shared = {
      clock: systemClock,
      random: systemRandom,
      timings: DEFAULT_TIMINGS,
      log: createTestLogger(),
    };
    const store = await createEmbeddedStore({ ...shared, folder: path.join(folder, 'data') });
    await store.putDelivery(delivery);
    const claim = await store.claimDelivery();
    if (claim === null) throw new Error('nothing to claim');
    await store.failDelivery(claim, 'no luck at all', null);
    await store.close();
  }
});

test('yardmaster runner run writes nothing that others on the machine could read', async () => {
  const config = path.join(folder, 'runner.yml');
  const logs = path.join(folder, 'logs');
  await writeFile(
    config,
    stringify({
      agent_id: 'be-1',
      coordinator_url: 'http://127.0.0.1:1',
      specialties: ['backend'],
      workspace_root: path.join(folder, 'work'),
      logging: { file: path.join(logs, 'runner.log') },
      health: false,
    }),
  );

  // It is not enrolled, and says so in its log.
  await yardmaster(['runner', 'run', '--config', config], folder);

  expect(await readFile(path.join(logs, 'runner.log'), 'utf8')).toContain('enroll');
  expect(await openToOthers(logs)).toEqual([]);
});

describe('probot run', () => {
  test('the app is an ordinary Probot app', async () => {
    await using github = await startStandin();
    await using coordinator = await startCoordinator(github, 'probot');
    await seedRepository(github, coordinator.url);

    const issue = await github.as(OWNER).openIssue({ repository: REPOSITORY, title: 'Through Probot' });
    await github.as(OWNER).addLabel(REPOSITORY, issue.number, 'agent:backend');

    await until(
      'the status comment is there',
      () => github.state.comments(REPOSITORY, issue.number).length === 1,
    );
  });
});

async function startCoordinator(github: CheckedStandin, by: 'serve' | 'probot' = 'serve') {
  const environment = coordinatorEnvironment(github, folder);
  const child =
    by === 'serve' ? yardmaster(['serve'], folder, environment) : startProbot(environment, await freePort());
  const operator = createOperatorClient(path.join(folder, 'data'));
  const status = await until('the coordinator answers', () =>
    operator.status().then(
      (answer) => (answer.pid === child.pid ? answer : undefined),
      () => undefined,
    ),
  );
  return {
    child,
    operator,
    url: status.url,
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill('SIGTERM');
      await child;
    },
  };
}

function startProbot(environment: Record<string, string>, port: string) {
  const root = path.resolve(import.meta.dirname, '..', '..');
  return execa(
    process.execPath,
    [path.join(root, 'node_modules/probot/bin/probot.js'), 'run', path.join(root, 'src/app.ts')],
    {
      cwd: folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        ...environment,
        PORT: port,
        NODE_ENV: 'production',
        WEBHOOK_PATH: '/api/github/webhooks',
      },
      extendEnv: false,
      reject: false,
      all: true,
    },
  );
}

/** Files and folders below `folder` that more than their owner may read, write or enter. */
async function openToOthers(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  expect(names).not.toEqual([]);
  const modes = await Promise.all(names.map(async (name) => (await lstat(path.join(folder, name))).mode));
  return names.filter((_, at) => ((modes[at] ?? 0) & 0o077) !== 0);
}

/** Probot can't be told to take any free port and say which. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await until('a port is found', () => server.listening);
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? String(address.port) : '';
}

async function seedRepository(
  github: CheckedStandin,
  url: string | undefined,
): Promise<{ installationId: number }> {
  github.createUser(OWNER);
  await github.createRepository({ owner: OWNER, name: 'widgets', files: { 'README.md': '# widgets\n' } });
  github.webhooks.target(url === undefined ? undefined : `${url}/api/github/webhooks`);
  return github.install(OWNER, { repositories: 'all' });
}

/** The committed payload, as it would be for this repository and issue. */
async function labelledAtStandin(
  github: CheckedStandin,
  issueNumber: number,
  installationId: number,
): Promise<object> {
  const file = path.resolve(import.meta.dirname, '..', 'fixtures', 'webhooks', 'issues.labeled.json');
  const issue = github.state.issue(REPOSITORY, issueNumber);
  return {
    ...(JSON.parse(await readFile(file, 'utf8')) as object),
    issue,
    repository: github.state.repository(REPOSITORY),
    installation: { id: installationId },
    sender: issue.user,
  };
}

/** A body of unknown length, as somebody sends it who wants to send for ever. */
function chunked(text: string): RequestInit {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
  return { method: 'POST', body, duplex: 'half' };
}
