import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import type { RunnerFacts } from '../contract/runner-api.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { EnvironmentVariables } from './config-environment.ts';
import { type ConfigSources, parseRunnerConfig, readRunnerConfig, type RunnerConfig } from './config.ts';
import { writeKeyFile } from './key-file.ts';
import { toConfigTemplate } from './config-template.ts';
import { sandboxStateFolder, tryBubblewrap } from './sandbox/open-sandbox.ts';
import { enrollAtCoordinator } from './transport/enroll-at-coordinator.ts';

export type EnrollOptions = {
  /** Of the coordinator. */
  url: string;
  /** One-time token of the coordinator's operator. */
  token: string;
  /** runner.yml; written when it isn't there. */
  configPath: string;
  /** For a new runner.yml; an existing one has its own. */
  name?: string;
  specialties?: readonly string[];
  /** For a new runner.yml; left out: `workspaces` beside it. */
  workspaceRoot?: string;
};

export type EnrollDeps = {
  version: string;
  machineEnv: EnvironmentVariables;
  machine: ConfigSources['machine'];
  fetch: typeof fetch;
  clock: Clock;
  random: Random;
  log: Logger;
};

export type Enrollment =
  | { ok: true; runnerId: string; keyFile: string; configPath: string; wroteConfig: boolean; text: string }
  | { ok: false; problems: string[] };

/**
 * Makes this machine a runner: turns the one-time token into an id and a key, writes the key file (for this user alone) and, if there is
 * none, a commented runner.yml. `text` tells a person what to do next. Throws `TransportError` when the coordinator refuses.
 */
export async function enrollRunner(options: EnrollOptions, deps: EnrollDeps): Promise<Enrollment> {
  const configPath = path.resolve(options.configPath);
  const sources = { file: configPath, variables: deps.machineEnv, machine: deps.machine };
  const isNew = !existsSync(configPath);
  const toTemplate = (sandboxMode: 'required' | 'auto'): string =>
    toConfigTemplate({
      agentId: options.name ?? deps.machine.hostname,
      hostname: deps.machine.hostname,
      coordinatorUrl: options.url,
      specialties: options.specialties ?? [],
      workspaceRoot: options.workspaceRoot ?? './workspaces',
      sandboxMode,
    });
  const reading = isNew ? parseRunnerConfig(toTemplate('auto'), sources) : await readRunnerConfig(sources);
  if (!reading.ok) return { ok: false, problems: reading.problems };

  const { config } = reading;
  const { runnerId, key } = await enrollAtCoordinator(
    { url: options.url, token: options.token, facts: toFacts(config, deps) },
    deps,
  );
  // Before anything else: the token is used up, so this is the only copy.
  await writeKeyFile(config.keyFile, { runnerId, key, coordinatorUrl: options.url });
  const sandboxProblem = isNew ? await trySandbox(config, deps) : null;
  if (isNew) {
    await writeFile(configPath, toTemplate(sandboxProblem === null ? 'required' : 'auto'), { flag: 'wx' });
  }
  return {
    ok: true,
    runnerId,
    keyFile: config.keyFile,
    configPath,
    wroteConfig: isNew,
    text: toNextSteps(config, { configPath, isNew, url: options.url, sandboxProblem }),
  };
}

/** Why there can be no sandbox; `null` = it works. */
async function trySandbox(config: RunnerConfig, deps: EnrollDeps): Promise<string | null> {
  const tried = await tryBubblewrap({
    settings: config.sandbox,
    machineEnv: deps.machineEnv,
    homeFolder: deps.machine.homeFolder,
    workspaceRoot: config.workspaceRoot,
    secretPaths: [],
    stateFolder: sandboxStateFolder(config.workspaceRoot),
    nodeExecutable: process.execPath,
    clock: deps.clock,
  });
  return tried.ok ? null : tried.problem;
}

/** What the machine has, it says itself whenever it connects; before that it is offered nothing. */
function toFacts(config: RunnerConfig, deps: EnrollDeps): RunnerFacts {
  const found = config.capabilities.declared ?? [];
  return {
    name: config.agentId,
    hostname: config.hostname,
    specialties: config.specialties,
    capabilities: [...new Set([...found, ...config.capabilities.extra])],
    capacity: config.maxConcurrentTasks,
    version: deps.version,
  };
}

function toNextSteps(
  config: RunnerConfig,
  {
    configPath,
    isNew,
    url,
    sandboxProblem,
  }: { configPath: string; isNew: boolean; url: string; sandboxProblem: string | null },
): string {
  const elsewhere =
    config.coordinatorUrl === url.replace(/\/+$/, '')
      ? []
      : [`Take care: coordinator_url in ${configPath} is ${config.coordinatorUrl}, not ${url}.`];
  return [
    `This machine is the runner ${config.agentId} now, for ${config.specialties.join(', ')}.`,
    `Its key is in ${config.keyFile}: keep it to yourself.`,
    isNew
      ? `Its settings are in ${configPath}: have a look.`
      : `Its settings are in ${configPath}, unchanged.`,
    ...elsewhere,
    ...(sandboxProblem === null
      ? []
      : [`Take care: agents and tests run without a sandbox here until this is mended. ${sandboxProblem}`]),
    `Next: yardmaster runner run --config ${configPath}`,
  ].join('\n');
}
