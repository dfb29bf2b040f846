import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Timings } from '../../../src/domain/timings.ts';
import { createOperatorClient, type OperatorClient } from '../../../src/operator/operator-client.ts';
import type { RunnerTuning } from '../../../src/runner/run-daemon.ts';
import type { Exchange } from '../../../src/standin/http/exchange-log.ts';
import { coordinatorEnvironment } from '../../support/command-line.ts';
import { processesWith } from '../../support/processes.ts';
import { startStandin } from '../../support/standin.ts';
import { createTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { type EngineName, watchDatabase, type WatchedDatabase } from './database.ts';
import { COMMENT_SPACING_MS, FAULT_TIMINGS, PATIENCE_MS, WRITE_SPACING_MS } from './fault-timings.ts';
import { prepareRunner, type RunnerWishes, type Transport } from './prepare-runner.ts';
import { createProgram, type Program } from './program.ts';

export const OWNER = 'octavia';
export const REPOSITORY = `${OWNER}/workshop`;

/** Without tests to run, a job takes a fraction of a second: what is broken here is everything around it. */
const FILES = {
  'README.md': '# Workshop\n',
  '.github/yardmaster.yml': 'defaults:\n  setup: []\n  test: []\n',
};

const QUICK_TUNING = {
  timings: { leaseSafetySeconds: FAULT_TIMINGS.leaseSafetySeconds },
  checkRunSpacingMs: 300,
  checkRunLookMs: 5000,
  logBatchMs: { least: 50, most: 200 },
  backoff: { baseMs: 30, maxMs: 500 },
  minFreeDiskBytes: 0,
} satisfies Partial<RunnerTuning>;

export type JobRow = {
  id: string;
  issue: number;
  state: string;
  reason: string | null;
  outcome: string | null;
  branch: string;
  attempt: number;
  runner: string | null;
};

type Options = {
  engine?: EngineName;
  /** How many coordinators share the database; more than one needs PostgreSQL. */
  coordinators?: number;
  /** Names of the runners, all for `backend`. */
  runners?: readonly string[];
  timings?: Partial<Timings>;
  tuning?: Partial<RunnerTuning>;
  /** Further settings of the coordinators. */
  environment?: Record<string, string>;
  /** In place of a database of the shared server. */
  database?: WatchedDatabase;
  /** Where the first coordinator keeps its store; within the yard's folder when left out. */
  dataFolder?: string;
  files?: Record<string, string>;
  /** How long GitHub's tokens live; an hour when left out. */
  tokenLifeMs?: number;
};

/**
 * The whole product as processes, for breaking: a GitHub stand-in in this process, coordinators, runners, and a stretch of network that
 * can be broken before each of them. On disposal all of it must be gone.
 */
export async function startFaultYard(options: Options = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'yard-fault-'));
  const created: Exchange[] = [];
  const writes: Write[] = [];
  const github = await startStandin({
    // A long suite of jobs must not end at a quota that has nothing to do with it.
    rateLimitPerHour: 1_000_000,
    ...(options.tokenLifeMs === undefined ? {} : { tokenLifeMs: options.tokenLifeMs }),
    onExchange(exchange) {
      const { method, path: target, actor, status } = exchange;
      if (method !== 'GET') writes.push({ atMs: performance.now(), method, path: target, actor, status });
      if (exchange.method === 'POST' && exchange.status === 201) created.push(exchange);
    },
  });
  const timings = { ...FAULT_TIMINGS, ...options.timings };
  const dataFolder = options.dataFolder ?? path.join(folder, 'coordinator-1', 'data');
  const database = options.database ?? (await watchDatabase(options.engine ?? 'sqlite', dataFolder));
  const toGitHub = await createTcpProxy();
  toGitHub.lead({ port: portOf(github.url) });
  const webhooks = await createTcpProxy();
  github.webhooks.target(`${webhooks.url}/api/github/webhooks`);
  const goOn = path.join(folder, 'go-on');

  const runners = new Map<string, Runner>();
  const coordinators = Array.from({ length: options.coordinators ?? 1 }, (_, index) =>
    makeCoordinator(index + 1),
  );

  function makeCoordinator(number: number): Coordinator {
    const home = path.join(folder, `coordinator-${number}`);
    const data = number === 1 ? dataFolder : path.join(home, 'data');
    const program = createProgram({
      name: 'coordinator',
      label: `coordinator-${number}`,
      folder,
      environment: {
        ...coordinatorEnvironment(github, home),
        DATA_FOLDER: data,
        GITHUB_API_URL: toGitHub.url,
        GITHUB_WRITE_SPACING_MS: String(WRITE_SPACING_MS),
        GITHUB_COMMENT_SPACING_MS: String(COMMENT_SPACING_MS),
        LOG_FORMAT: 'json',
        FAULT_TIMINGS: JSON.stringify(timings),
        FAULT_GITHUB: toGitHub.url,
        ...(database.url === null ? {} : { DATABASE_URL: database.url }),
        ...options.environment,
      },
      ready: /^http:/,
    });
    let own = 0;
    return {
      ...program,
      operator: createOperatorClient(data),
      port: () => own,
      async start() {
        const url = await program.start();
        own = portOf(url);
        leadTo(own);
        return url;
      },
    };
  }

  let port = 0;
  /** Webhooks and runners find the coordinator there, as a load balancer or a restarted service does it. */
  function leadTo(next: number): void {
    port = next;
    webhooks.lead({ port });
    for (const runner of runners.values())
      if (runner.transport === 'coordinator') runner.network.lead({ port });
  }

  function coordinator(number = 1): Coordinator {
    const found = coordinators[number - 1];
    if (!found) throw new Error(`there is no coordinator ${number}`);
    return found;
  }

  function prepare(name: string, network: TcpProxy, wanted: RunnerWishes) {
    return prepareRunner(name, wanted, {
      folder,
      enrollAt: `http://127.0.0.1:${port}`,
      coordinatorUrl: network.url,
      operator: coordinator().operator,
      github: { url: network.url, app: github.app },
      agentEnv: { GO_ON: goOn },
    });
  }

  /** A stretch of network of a runner's own, before whom it speaks with. */
  async function layNetwork({ transport }: RunnerWishes): Promise<TcpProxy> {
    const network = await createTcpProxy();
    network.lead({ port: transport === 'github' ? portOf(toGitHub.url) : port });
    return network;
  }

  function environmentOf(wanted: RunnerWishes, network: TcpProxy): Record<string, string> {
    return {
      FAULT_GITHUB: wanted.transport === 'github' ? network.url : toGitHub.url,
      FAULT_TUNING: JSON.stringify({ ...QUICK_TUNING, ...options.tuning, ...wanted.tuning }),
    };
  }

  /** Enrols a runner and starts it, in a process of its own. */
  async function addRunner(name: string, wanted: RunnerWishes = {}): Promise<Runner> {
    const network = await layNetwork(wanted);
    const { config, workspaceRoot } = await prepare(name, network, wanted);
    const program = createProgram({
      name: 'runner',
      label: name,
      args: [config],
      folder,
      // As on machines of their own: what two with one identity do to each other is for the coordinator to see.
      environment: { ...environmentOf(wanted, network), XDG_STATE_HOME: path.join(folder, 'state', name) },
      ready: /Connected to the coordinator|GitHub knows this App/,
    });
    return register({ ...program, name, network, transport: toTransport(wanted), workspaceRoot });
  }

  /** Enrols `count` runners and starts them in one process, behind one stretch of network. */
  async function addRunnerHost(name: string, count: number, wanted: RunnerWishes = {}): Promise<Runner> {
    const network = await layNetwork(wanted);
    const configs: string[] = [];
    for (let number = 1; number <= count; number += 1) {
      configs.push((await prepare(`${name}-${number}`, network, wanted)).config);
    }
    const program = createProgram({
      name: 'runner-host',
      label: name,
      args: configs,
      folder,
      environment: environmentOf(wanted, network),
      ready: /all runners work/,
    });
    return register({ ...program, name, network, transport: toTransport(wanted), workspaceRoot: folder });
  }

  async function register(runner: Runner): Promise<Runner> {
    runners.set(runner.name, runner);
    await runner.start();
    return runner;
  }

  function runner(name = options.runners?.[0] ?? 'one'): Runner {
    const found = runners.get(name);
    if (!found) throw new Error(`there is no runner ${name}`);
    return found;
  }

  async function jobs(): Promise<JobRow[]> {
    const rows = await database.query(
      `select id, issue_number as issue, state, state_reason as reason, outcome, branch,
        attempt_number as attempt, runner_id as runner from jobs order by id`,
    );
    // What the query names, as the schema types it; PostgreSQL's driver gives big integers as text.
    return rows.map(
      (row) => ({ ...row, issue: Number(row['issue']), attempt: Number(row['attempt']) }) as JobRow,
    );
  }

  /** Opens an issue and labels it. Answers its number. */
  async function ask(title = 'Do it', specialty = 'backend'): Promise<number> {
    const { number } = await github
      .as(OWNER)
      .openIssue({ repository: REPOSITORY, title, body: `About: ${title}` });
    await github.as(OWNER).addLabel(REPOSITORY, number, `agent:${specialty}`);
    return number;
  }

  /** The newest job of the issue, as soon as it is in one of the states. */
  async function jobIn(issue: number, ...states: string[]): Promise<JobRow> {
    return until(
      `the job of #${issue} is ${states.join(' or ')}`,
      async () => (await jobs()).findLast((job) => job.issue === issue && states.includes(job.state)),
      PATIENCE_MS,
      50,
    ).catch(async (error: Error) => {
      const rows = (await jobs()).filter((job) => job.issue === issue);
      throw new Error(`${error.message}; it is ${JSON.stringify(rows)}\n${logs()}`);
    });
  }

  /** The end of what the programs have logged, for a person who wants to know why. */
  function logs(): string {
    const programs = [...coordinators, ...runners.values()];
    return programs.map((program) => program.output().slice(-6000)).join('\n----\n');
  }

  async function stopEverything(): Promise<void> {
    for (const one of runners.values()) {
      one.resume();
      // A second signal: what still runs is cancelled, not waited for.
      one.signal('SIGTERM');
      one.signal('SIGTERM');
    }
    await Promise.all([...runners.values()].map((one) => one.stop()));
    await Promise.all(coordinators.map((one) => one.stop()));
    await Promise.all([...runners.values()].map((one) => one.network.close()));
    await Promise.all([toGitHub.close(), webhooks.close()]);
  }

  await Promise.all(coordinators.map((one) => one.start()));
  github.createUser(OWNER);
  await github.createRepository({ owner: OWNER, name: 'workshop', files: { ...FILES, ...options.files } });
  const { installationId } = await github.install(OWNER, { repositories: [REPOSITORY] });
  for (const name of options.runners ?? ['one']) await addRunner(name);

  return {
    folder,
    github,
    installationId,
    database,
    timings,
    coordinators: coordinators as readonly Coordinator[],
    coordinator,
    runner,
    runners,
    /** Coordinators and runners. */
    programs: (): Program[] => [...coordinators, ...runners.values()],
    addRunner,
    addRunnerHost,
    leadTo,
    /** Between coordinators (and runners' REST calls) and GitHub; git goes another way. */
    toGitHub,
    /** Between GitHub and the coordinator. */
    webhooks,
    /** What was created on GitHub: requests that were answered with 201, oldest first. */
    created: created as readonly Exchange[],
    /** All that was to change something on GitHub, done or not, oldest first. */
    writes: writes as readonly Write[],
    ask,
    jobs,
    jobIn,
    logs,
    /** Lets agents that wait go on. */
    goOn: () => writeFile(goOn, ''),
    /** Presses "Redeliver" for every event that nobody has acknowledged, as GitHub's API lets one do. */
    async redeliverFailed(): Promise<number> {
      await github.webhooks.idle();
      const attempts = github.webhooks.deliveries();
      const taken = new Set(attempts.filter(({ statusCode }) => statusCode < 300).map(({ guid }) => guid));
      const failed = new Map(
        attempts.filter(({ guid }) => !taken.has(guid)).map(({ guid, id }) => [guid, id]),
      );
      for (const id of failed.values()) github.webhooks.redeliver(id);
      return failed.size;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await stopEverything();
      try {
        await until(
          'nothing of the processes is left',
          () => processesWith(folder).length === 0,
          PATIENCE_MS,
          100,
        );
      } finally {
        await database[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
        await github[Symbol.asyncDispose]();
      }
    },
  };
}

export type FaultYard = Awaited<ReturnType<typeof startFaultYard>>;

/** `atMs`: when it was answered, on `performance.now()`. */
type Write = Pick<Exchange, 'method' | 'path' | 'actor' | 'status'> & { atMs: number };

export type Coordinator = Program & {
  operator: OperatorClient;
  /** Where it listens since its last start. */
  port(): number;
};
export type Runner = Program & {
  name: string;
  transport: Transport;
  /** Between it and the coordinator; of one that only reaches GitHub, between it and GitHub's API. */
  network: TcpProxy;
  workspaceRoot: string;
};

function toTransport(wanted: RunnerWishes): Transport {
  return wanted.transport ?? 'coordinator';
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
