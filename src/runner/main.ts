import { existsSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { systemClock } from '../lib/clock.ts';
import { createLogger, type Logger } from '../lib/logger.ts';
import { systemRandom } from '../lib/random.ts';
import { createRedactor } from '../lib/redact.ts';
import { packageVersion } from '../package-version.ts';
import type { EnvironmentVariables } from './config-environment.ts';
import { type ConfigReading, explainConfigProblems, readRunnerConfig, type RunnerConfig } from './config.ts';
import { ROTATE_MS } from './control/control-client.ts';
import { NO_KEY } from './control/create-controls.ts';
import { createOwnKey } from './own-key.ts';
import { type Check, trouble } from './doctor/check.ts';
import { runDoctor } from './doctor/run-doctor.ts';
import { enrollRunner, type EnrollOptions } from './enroll.ts';
import { RUNNER_EXIT, type RunnerExit } from './exit-codes.ts';
import { findSecrets } from './find-secrets.ts';
import { findStateFolder, takeIdentityLock, takeWorkspaceLock, type RunnerLock } from './lock.ts';
import { type DaemonDeps, runDaemon } from './run-daemon.ts';
import { previewPrompt, type PromptPreview } from './preview/preview-prompt.ts';
import { readIdentity, type RunnerIdentity } from './runner-identity.ts';
import { type LogOutput, openRunnerLog } from './runner-log.ts';

export type RunnerDeps = DaemonDeps & {
  /** Gets every log line, as JSON. */
  output: LogOutput;
  /** What `readRunnerConfig` wants said. */
  warnings?: readonly string[];
};

/** `yardmaster runner run`: the daemon on this machine, with its real clock, network and signals. Answers the exit code. */
export async function runFromFile(
  file: string,
  environment: EnvironmentVariables,
  once?: DaemonDeps['once'],
): Promise<RunnerExit> {
  async function read(): Promise<ConfigReading> {
    const found = await readRunnerConfig({ file, variables: environment, machine: thisMachine() });
    // One slot is all that a runner for one job may promise.
    if (!found.ok || once === undefined) return found;
    return { ...found, config: { ...found.config, maxConcurrentTasks: 1 } };
  }
  const reading = await read();
  if (!reading.ok) {
    process.stderr.write(`The runner can’t start; ${explainConfigProblems(file, reading.problems)}\n`);
    return RUNNER_EXIT.configuration;
  }
  const exit = await runRunner(reading.config, {
    version: packageVersion(),
    configFile: file,
    reread: read,
    machineEnv: environment,
    output: process.stdout,
    signals: process,
    fetch,
    clock: systemClock,
    random: systemRandom,
    once,
    warnings: reading.warnings,
  });
  // Otherwise what is still under way would keep the process alive, which is just what was not wanted.
  if (exit === RUNNER_EXIT.forced) process.exit(exit);
  return exit;
}

/** `yardmaster runner context`: what this machine's agent would be told about an issue. Throws with what is wrong. */
export async function previewFromFile(
  file: string,
  environment: EnvironmentVariables,
  wish: Parameters<typeof previewPrompt>[0],
  signal: AbortSignal,
): Promise<PromptPreview> {
  const reading = await readRunnerConfig({ file, variables: environment, machine: thisMachine() });
  if (!reading.ok) throw new Error(explainConfigProblems(file, reading.problems));
  const found = await readIdentity(reading.config);
  if (!found.ok) throw new Error(found.problem);
  const secrets = [...findSecrets(reading.config, environment), ...found.secrets];
  const log = createLogger({
    level: 'warn',
    format: 'json',
    redact: createRedactor(secrets).redact,
    destination: process.stderr,
  });
  return await previewPrompt(
    wish,
    { config: reading.config, identity: found.identity },
    { fetch, clock: systemClock, log, machineEnv: environment, signal },
  );
}

/** `yardmaster runner doctor`: what this machine has and lacks for its configuration. */
export async function examineThisMachine(
  file: string,
  options: { githubUrl: string | null },
  environment: EnvironmentVariables,
): Promise<Check[]> {
  const machine = thisMachine();
  const reading = await readRunnerConfig({ file, variables: environment, machine });
  if (!reading.ok) {
    const fix = existsSync(file)
      ? `mend ${file}: docs/runner.md lists every key`
      : 'yardmaster runner enroll <coordinator’s URL> --token <token> --specialty <name>, with a token from “yardmaster runner token” on the coordinator’s machine';
    return reading.problems.map((problem) => trouble('failed', 'runner.yml', problem, fix));
  }
  return await runDoctor(reading.config, {
    ...options,
    configFile: path.resolve(file),
    warnings: reading.warnings,
    machineEnv: environment,
    homeFolder: environment['HOME'] ?? machine.homeFolder,
    user: { uid: process.getuid?.(), name: userInfo().username },
    fetch,
    clock: systemClock,
    log: createLogger({ level: 'silent', format: 'json', redact: (text) => text }),
  });
}

/**
 * `yardmaster runner rotate-key` where no runner runs: takes a new key, with the lock on the workspaces, so that none starts meanwhile.
 * Throws with what is wrong.
 */
export async function rotateKeyAlone(config: RunnerConfig): Promise<{ isConfirmed: boolean }> {
  const reading = await readIdentity(config);
  if (!reading.ok) throw new Error(reading.problem);
  if (reading.identity.kind === 'github') throw new Error(NO_KEY);
  const taken = await takeWorkspaceLock(path.join(config.workspaceRoot, '.yardmaster'));
  if (!taken.ok) throw new Error(taken.problem);
  try {
    const ownKey = createOwnKey(reading.identity.key, {
      file: config.keyFile,
      url: config.coordinatorUrl,
      fetch,
      clock: systemClock,
      random: systemRandom,
      log: createLogger({ level: 'silent', format: 'json', redact: (text) => text }),
      onSecret: () => undefined,
    });
    return await ownKey.rotate(AbortSignal.timeout(ROTATE_MS));
  } finally {
    taken.lock.release();
  }
}

/** `yardmaster runner enroll`: makes this machine a runner, and answers what to do next. Throws with what is wrong. */
export async function enrollThisMachine(
  options: EnrollOptions,
  environment: EnvironmentVariables,
): Promise<string> {
  const enrollment = await enrollRunner(options, {
    version: packageVersion(),
    machineEnv: environment,
    machine: thisMachine(),
    fetch,
    clock: systemClock,
    random: systemRandom,
    log: createLogger({
      level: 'warn',
      format: 'json',
      redact: createRedactor([options.token]).redact,
      destination: process.stderr,
    }),
  });
  if (enrollment.ok) return enrollment.text;
  throw new Error(explainConfigProblems(options.configPath, enrollment.problems));
}

/**
 * Runs the daemon until it is told to end, and answers the exit code.
 *
 * First SIGTERM or SIGINT: takes nothing new and finishes what it has. Second: cancels that, and reports it. Third: resolves at once,
 * whatever is still under way; the caller ends the process, and the next start cleans up.
 */
export async function runRunner(config: RunnerConfig, deps: RunnerDeps): Promise<RunnerExit> {
  const secrets = findSecrets(config, deps.machineEnv);
  const redactor = createRedactor(secrets);
  const opened = await openRunnerLog({
    ...config.logging,
    redact: redactor.redact,
    output: deps.output,
  });
  if (!opened.ok) {
    deps.output.write(`${opened.problem}\n`);
    return RUNNER_EXIT.configuration;
  }
  const { log, close } = opened.log;
  for (const warning of deps.warnings ?? []) log.warn({}, warning);
  try {
    const reading = await readIdentity(config);
    if (!reading.ok) {
      log.fatal({}, reading.problem);
      return RUNNER_EXIT.configuration;
    }
    for (const warning of reading.warnings) log.warn({}, warning);
    for (const secret of reading.secrets) redactor.add(secret);
    const locks = await takeLocks(config, reading.identity, deps.machineEnv, log);
    if (locks === null) return RUNNER_EXIT.locked;
    try {
      const known = [...secrets, ...reading.secrets];
      return await runDaemon(config, reading.identity, { known, add: redactor.add }, log, deps);
    } finally {
      for (const lock of locks) lock.release();
    }
  } catch (error) {
    log.fatal({ err: error }, 'The runner failed');
    return RUNNER_EXIT.failed;
  } finally {
    await close();
  }
}

/** Workspace root and identity, for this process alone; `null`, and said, when another one has either. */
async function takeLocks(
  { workspaceRoot }: RunnerConfig,
  { runnerId }: RunnerIdentity,
  machineEnv: DaemonDeps['machineEnv'],
  log: Logger,
): Promise<RunnerLock[] | null> {
  const workspace = await takeWorkspaceLock(path.join(workspaceRoot, '.yardmaster'));
  if (!workspace.ok) {
    log.fatal({}, workspace.problem);
    return null;
  }
  const stateFolder = findStateFolder(machineEnv, machineEnv['HOME'] ?? homedir());
  try {
    const identity = await takeIdentityLock({ stateFolder, runnerId, workspaceRoot });
    if (identity.ok) return [workspace.lock, identity.lock];
    log.fatal({}, identity.problem);
  } catch (error) {
    // A service's user may have no home folder. The coordinator still sees to it that only one of two works.
    const hint = 'set XDG_STATE_HOME to a folder that can be written, to have it checked';
    log.warn(
      { err: error, stateFolder, hint },
      'Nothing keeps a second runner of this identity from starting here',
    );
    return [workspace.lock];
  }
  workspace.lock.release();
  return null;
}

function thisMachine(): { hostname: string; homeFolder: string } {
  return { hostname: hostname(), homeFolder: homedir() };
}
