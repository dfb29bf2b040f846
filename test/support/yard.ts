import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { parse, stringify } from 'yaml';
import { DEFAULT_TIMINGS, type Timings } from '../../src/domain/timings.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createOperatorClient } from '../../src/operator/operator-client.ts';
import { enrollRunner } from '../../src/runner/enroll.ts';
import { startServing } from '../../src/serve.ts';
import { COMPILE_CACHE } from './compile-cache.ts';
import { processesWith } from './processes.ts';
import { startStandin } from './standin.ts';
import { createTestLogger } from './test-logger.ts';
import { until } from './until.ts';

const root = path.resolve(import.meta.dirname, '..', '..');
const bin = path.join(root, 'bin', 'yardmaster.js');

/** Short enough for tests, in the proportions of the real ones. */
const QUICK: Timings = {
  ...DEFAULT_TIMINGS,
  heartbeatSeconds: 0.3,
  sweepSeconds: 0.3,
  retryBaseSeconds: 0.2,
  avoidRunnerSeconds: 0.2,
  failedRunnerSeconds: 0.2,
  quarantineBaseSeconds: 0.1,
  progressReportSeconds: 0.3,
  githubAcceptSeconds: 60,
  githubHeartbeatSeconds: 1.2,
  githubWriteSeconds: 0.3,
  githubOfferLookSeconds: 0.6,
  githubLookSeconds: 0.6,
};

/** How often a runner that only reaches GitHub looks for work. */
const QUICK_POLL_SECONDS = 1;

/** As in app.yml. */
const LEAST_PERMISSIONS = {
  metadata: 'read',
  issues: 'write',
  pull_requests: 'write',
  checks: 'write',
  contents: 'write',
} as const;

export const OWNER = 'octavia';
export const REPOSITORY = `${OWNER}/corner-shop`;

export type Yard = Awaited<ReturnType<typeof startYard>>;

/**
 * The whole product over real HTTP, git and processes: stand-in for GitHub with the demo's sample repository, coordinator in this
 * process, each runner a process of its own that runs the command line. On disposal everything must be gone, and every exchange
 * must have been as GitHub describes it.
 */
export async function startYard(
  options: {
    /** Runner name → its specialty. */
    runners?: Record<string, string>;
    /** `agents` and `default_agent` of every runner.yml; an agent that works by the issue's title when left out. */
    agents?: Record<string, unknown>;
    environment?: Record<string, string>;
    timings?: Partial<Timings>;
    /** How runners hear of work. */
    transport?: 'coordinator' | 'github';
    /** Folder of the repository's first commit. */
    sample?: string;
    /** Whether only its people may see the repository. */
    isPrivate?: boolean;
    /** What the App may do there, beside the least. */
    permissions?: Record<string, 'read' | 'write'>;
    /** Below which GitHub answers, as a GitHub Enterprise Server does: `/api/v3`. */
    apiPath?: string;
  } = {},
) {
  const folder = await mkdtemp(path.join(tmpdir(), 'yard-'));
  const github = await startStandin();
  const logLines: Record<string, unknown>[] = [];
  let serving = await serve(null);
  function serve(databaseUrl: string | null) {
    return startServing(
      {
        appId: github.app.id,
        privateKey: github.app.privateKey,
        webhookSecret: github.app.webhookSecret,
        host: '127.0.0.1',
        port: 0,
        publicUrl: null,
        dataFolder: path.join(folder, 'data'),
        databaseUrl,
        redisUrl: null,
        keepLogsDays: 30,
        metricsToken: null,
        githubApiUrl: `${github.url}${options.apiPath ?? ''}`,
        limits: { writeSpacingMs: 0, notificationSpacingMs: 0 },
        webhookProxyUrl: null,
        log: { level: 'debug', format: 'json' },
      },
      { log: createTestLogger(logLines), timings: { ...QUICK, ...options.timings } },
    );
  }
  const operator = createOperatorClient(path.join(folder, 'data'));
  const runners = new Map<
    string,
    { child: ReturnType<typeof startRunner>; start: () => ReturnType<typeof startRunner> }
  >();

  github.createUser(OWNER);
  await github.createRepository({
    owner: OWNER,
    name: 'corner-shop',
    private: options.isPrivate ?? false,
    fromDirectory: options.sample ?? path.join(root, 'src', 'demo', 'sample'),
  });
  github.webhooks.target(`${serving.url}/api/github/webhooks`);
  await github.install(OWNER, {
    repositories: 'all',
    ...(options.permissions && { permissions: { ...LEAST_PERMISSIONS, ...options.permissions } }),
  });

  await Promise.all(
    Object.entries(options.runners ?? {}).map(([name, specialty]) => addRunner(name, specialty)),
  );

  /** `transport`: another one than that of the yard’s other runners. */
  async function addRunner(name: string, specialty: string, transport = options.transport): Promise<void> {
    const config = path.join(folder, `${name}.yml`);
    const byTitle = {
      default_agent: 'scripted',
      agents: {
        scripted: {
          kind: 'command',
          command: [process.execPath, path.join(root, 'test', 'fixtures', 'bin', 'work-by-title.mjs')],
        },
      },
    };
    const environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      ...COMPILE_CACHE,
      ...options.environment,
    };
    const common = {
      hostname: '127.0.0.1',
      workspace_root: path.join(folder, name),
      health: { port: 0 },
      // Looking at every toolchain of this machine costs as much as a job.
      capabilities: { declared: ['os:linux', 'git', 'node'] },
      ...(options.agents ?? byTitle),
    };
    const enroll = transport === 'github' ? enrollByGitHub : enrollAtCoordinator;
    await enroll({ name, specialty, config, common, environment });
    const start = () => startRunner(config, environment);
    runners.set(name, { child: start(), start });
    await until(`${name} is online`, async () =>
      (await operator.runners()).some((runner) => runner.name === name && runner.state === 'online'),
    );
  }

  function runnerOf(name: string) {
    const found = runners.get(name);
    if (found === undefined) throw new Error(`there is no runner ${name}`);
    return found;
  }

  type Enrollment = {
    name: string;
    specialty: string;
    config: string;
    common: Record<string, unknown>;
    environment: Record<string, string>;
  };

  async function enrollAtCoordinator(wanted: Enrollment): Promise<void> {
    const { name, specialty, config, common, environment } = wanted;
    const own = { agent_id: name, coordinator_url: serving.url, specialties: [specialty] };
    await writeFile(config, stringify({ ...own, ...common }));
    const { token } = await operator.createRunnerToken({ specialties: [specialty] });
    // Not as a process: that costs as much as the runner itself.
    const enrollment = await enrollRunner(
      { url: serving.url, token, configPath: config },
      {
        version: '0.0.0-test',
        machineEnv: environment,
        machine: { hostname: '127.0.0.1', homeFolder: folder },
        fetch,
        clock: systemClock,
        random: systemRandom,
        log: createTestLogger(),
      },
    );
    if (!enrollment.ok) throw new Error(enrollment.problems.join('\n'));
  }

  /** As an operator does it: what the command prints is the runner's configuration. */
  async function enrollByGitHub(wanted: Enrollment): Promise<void> {
    const { name, specialty, config, common, environment } = wanted;
    const privateKeyPath = path.join(folder, `${name}.pem`);
    await writeFile(privateKeyPath, github.app.privateKey, { mode: 0o600 });
    const agents = Object.keys((common['agents'] as object | undefined) ?? { claude: {} });
    const args = [
      'runner',
      'enroll-github',
      name,
      '--specialty',
      specialty,
      '--agent',
      ...agents,
      '--capability',
      'node',
    ];
    const { stdout } = await execa(process.execPath, [bin, ...args, '--data', path.join(folder, 'data')], {
      env: { ...environment, APP_ID: String(github.app.id) },
      extendEnv: false,
    });
    const printed = parse(stdout) as { github_app: object };
    const app = { private_key_path: privateKeyPath, api_url: github.url, poll_seconds: QUICK_POLL_SECONDS };
    await writeFile(
      config,
      stringify({ ...printed, ...common, github_app: { ...printed.github_app, ...app } }),
    );
  }

  return {
    folder,
    github,
    operator,
    logLines,
    get url() {
      return serving.url;
    },
    get coordinator() {
      return serving.coordinator;
    },
    /** As a planned stop does it. */
    stopCoordinator: () => serving.stop(),
    /**
     * Starts it again where it had stopped, with what is in its data folder by now, or in a database. Runners that speak to it don’t follow
     * it: its port is another one.
     */
    async startCoordinator(databaseUrl: string | null = null): Promise<void> {
      serving = await serve(databaseUrl);
      github.webhooks.target(`${serving.url}/api/github/webhooks`);
    },
    addRunner,
    /** Runs `yardmaster` with the runner's configuration. */
    async command(name: string, ...args: string[]) {
      const config = path.join(folder, `${name}.yml`);
      const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
      return execa(process.execPath, [bin, ...args, '--config', config], {
        env,
        extendEnv: false,
        reject: false,
      });
    },
    /** The runner's process. */
    runner: (name: string) => runnerOf(name).child,
    /** Kills the runner as nothing in it can hear, with what it has started or not, and starts it again. */
    async killAndRestart(name: string): Promise<void> {
      const { child, start } = runnerOf(name);
      child.kill('SIGKILL');
      await child;
      runners.set(name, { child: start(), start });
    },
    /** Opens an issue and labels it as `login`, who must be able to label. Answers its number. */
    async ask(title: string, label: string, login = OWNER): Promise<number> {
      const issue = await github
        .as(OWNER)
        .openIssue({ repository: REPOSITORY, title, body: `About: ${title}` });
      await github.as(login).addLabel(REPOSITORY, issue.number, label);
      return issue.number;
    },
    jobsOf: async (issueNumber: number) =>
      (await operator.jobs()).filter((job) => job.issue.number === issueNumber),
    /** The issue's one job, as soon as it is in one of the states and GitHub has been told so. */
    async jobIn(issueNumber: number, ...states: string[]) {
      const job = await until(`the job of #${issueNumber} is ${states.join(' or ')}`, async () =>
        (await operator.jobs()).find((job) => job.issue.number === issueNumber && states.includes(job.state)),
      );
      await serving.coordinator.outbox.runDue();
      return operator.job(job.id);
    },
    pullsOf: (issueNumber: number) =>
      github.state
        .pullRequests(REPOSITORY)
        .filter(({ head }) => head.ref.startsWith(`agent/${issueNumber}-`)),
    branchesOf: async (issueNumber: number) =>
      Object.keys(await github.state.branches(REPOSITORY)).filter((name) =>
        name.startsWith(`agent/${issueNumber}-`),
      ),
    /** Of all attempts, the oldest first, and of the evidence. */
    async checkRunsOf(issueNumber: number) {
      const jobs = (await operator.jobs()).filter((job) => job.issue.number === issueNumber);
      return github.state
        .checkRuns(REPOSITORY)
        .filter(({ external_id: id }) => jobs.some((job) => id?.startsWith(job.id)));
    },
    /** Text of the issue's one status comment, as soon as it matches. */
    comment: (issueNumber: number, pattern: RegExp) =>
      until(`the comment of #${issueNumber} says ${pattern}`, () => {
        const [comment, ...more] = github.state.comments(REPOSITORY, issueNumber);
        if (more.length > 0) throw new Error(`#${issueNumber} has more than one comment`);
        return comment?.body !== undefined && pattern.test(comment.body) ? comment.body : undefined;
      }),
    async [Symbol.asyncDispose](): Promise<void> {
      for (const { child } of runners.values()) child.kill('SIGTERM');
      // A second signal: what still runs is cancelled, not waited for.
      for (const { child } of runners.values()) child.kill('SIGTERM');
      await Promise.all([...runners.values()].map(({ child }) => child));
      await serving.stop();
      // Killed ones take a moment to be gone for good; what stays is a leak.
      await until('nothing of the runners is left', () => processesWith(folder).length === 0);
      await rm(folder, { recursive: true, force: true });
      await github[Symbol.asyncDispose]();
    },
  };
}

function startRunner(config: string, environment: Record<string, string>) {
  return execa(process.execPath, [bin, 'runner', 'run', '--config', config], {
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    all: true,
  });
}
