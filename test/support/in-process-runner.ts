import { EventEmitter } from 'node:events';
import path from 'node:path';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { RunnerConfig } from '../../src/runner/config.ts';
import type { RunnerExit } from '../../src/runner/exit-codes.ts';
import { writeKeyFile } from '../../src/runner/key-file.ts';
import { runRunner } from '../../src/runner/main.ts';
import type { RunnerTuning } from '../../src/runner/run-daemon.ts';
import { toSandboxSettings } from '../../src/runner/sandbox/sandbox-settings.ts';
import { aRunnerKey } from './runner-builders.ts';
import type { RunnerWorld } from './runner-world.ts';

export const HOUSE_AGENT = path.resolve(import.meta.dirname, '../fixtures/bin/house-agent.mjs');

export type InProcessRunner = {
  /** Sends a signal, as the operating system would. */
  signal(name?: 'SIGTERM' | 'SIGINT'): void;
  /** Resolves when it takes work, or has ended already; with the address of its health server. */
  ready: Promise<string | null>;
  exit: Promise<RunnerExit>;
  /** What it logged so far. */
  lines: Record<string, unknown>[];
  /** What it said before it had a log. */
  said: string[];
};

/** The configuration of a runner for this world, whose agent follows `scenario`. */
export function aRunnerConfig(
  world: Pick<RunnerWorld, 'folder' | 'coordinator'>,
  scenario: string,
  overrides: Partial<RunnerConfig> = {},
): RunnerConfig {
  const workspaceRoot = path.join(world.folder, 'work');
  return {
    agentId: 'be-1',
    hostname: 'this-machine',
    coordinatorUrl: world.coordinator.url,
    specialties: ['backend'],
    workspaceRoot,
    maxConcurrentTasks: 2,
    keepWorkspacesHours: 0,
    github: { token: null, sshKey: null },
    claudeCode: { version: 'latest', configPath: null, executable: null },
    logging: { level: 'debug', file: null },
    agents: {
      house: {
        kind: 'command',
        command: [process.execPath, HOUSE_AGENT],
        env: {
          HOUSE_SCENARIO: scenario,
          HOUSE_GO_ON: path.join(world.folder, 'go-on'),
          HOUSE_API_KEY: 'house-secret-1234',
        },
      },
    },
    defaultAgents: [],
    sandbox: toSandboxSettings('off', (folder) => folder),
    context: { guidanceFolder: path.join(world.folder, 'guidance'), maxTokens: 50_000, images: true },
    disk: { total: null, attempt: null },
    capabilities: { extra: [], declared: ['os:linux'] },
    transport: 'coordinator',
    githubApp: null,
    health: null,
    keyFile: path.join(workspaceRoot, '.yardmaster', 'runner-key.json'),
    ...overrides,
  };
}

/** Runs the daemon in this process. */
export async function startInProcess(
  config: RunnerConfig,
  options: {
    tuning?: Partial<RunnerTuning>;
    clock?: Clock;
    isEnrolled?: boolean;
    path?: string;
    /** Of the machine's environment, beside what every machine here has. */
    machineEnv?: Record<string, string>;
  } = {},
): Promise<InProcessRunner> {
  const { tuning, clock = systemClock, isEnrolled = true } = options;
  if (isEnrolled) await writeKeyFile(config.keyFile, aRunnerKey(config.coordinatorUrl));
  const signals = new EventEmitter();
  const lines: Record<string, unknown>[] = [];
  const said: string[] = [];
  const ready = Promise.withResolvers<string | null>();
  const exit = runRunner(config, {
    version: '0.0.0-test',
    machineEnv: {
      PATH: options.path ?? process.env['PATH'],
      ANTHROPIC_API_KEY: 'machine-secret-1234',
      // Not the home folder of whoever runs the tests.
      XDG_STATE_HOME: path.join(path.dirname(config.workspaceRoot), 'state'),
      ...options.machineEnv,
    },
    output: {
      write: (line) => {
        if (line.startsWith('{')) lines.push(JSON.parse(line) as Record<string, unknown>);
        else said.push(line);
      },
    },
    signals,
    fetch,
    clock,
    random: systemRandom,
    onReady: ({ healthUrl }) => ready.resolve(healthUrl),
    tuning: {
      timings: { leaseSafetySeconds: 0.2 },
      checkRunSpacingMs: 1000,
      logBatchMs: { least: 20, most: 50 },
      backoff: { baseMs: 10, maxMs: 50 },
      minFreeDiskBytes: 0,
      ...tuning,
    },
  });
  return {
    signal: (name = 'SIGTERM') => void signals.emit(name),
    ready: Promise.race([ready.promise, exit.then(() => null)]),
    exit,
    lines,
    said,
  };
}
