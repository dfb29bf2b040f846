import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Usage } from '../../contract/job.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import { runCommand } from '../../lib/run-command.ts';
import { createSecret } from '../../lib/secret.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import { SANDBOX_MODEL_URL, type WrapCommand } from '../sandbox/launch.ts';
import { type ModelFacts, type ModelGateway, openModelGateway } from '../sandbox/model-gateway.ts';
import type { ModelPrice } from '../sandbox/model-usage.ts';
import type { Agent, AgentPreflight, AgentResult, AgentTask } from './agent.ts';
import { agentEnvironment, type MachineEnv } from './agent-environment.ts';
import { createAgentText } from './agent-text.ts';
import { decideCliOutcome, isHopeless } from './cli-outcome.ts';
import { findExecutable } from './find-executable.ts';
import type { CliFacts, CliRun, HeadlessCli } from './headless-cli.ts';
import { readModelAccount } from './model-account.ts';
import { runAgentCommand, type RunningAgent } from './run-agent-command.ts';
import { findVersion, isWantedVersion, warnOfVersion } from './tested-version.ts';

const PREFLIGHT_MS = 30_000;
const MAX_HELP_BYTES = 256 * 1024;
const MAX_STDERR_LENGTH = 1000;
/** Some stay although they have said their last. */
const AFTER_RESULT_MS = 10_000;
/** Of a turn that fails, and for what a command line asks beside its turns, such as a name for the session. */
const REQUESTS_A_TURN = 4;
const MORE_REQUESTS = 20;
/** A prompt that begins with one of these is a command to some command line. */
const COMMAND_START = /^\s*[/!#@]/;

export type HeadlessAgentOptions = {
  name: string;
  cli: HeadlessCli;
  /** An absolute path, or a name on the PATH; by default the command line's own name. */
  executable?: string | undefined;
  /** `latest`, or the version (or its beginning) that must be installed. */
  version?: string | undefined;
  /** Used when a task asks for none. */
  model?: string | null;
  env?: Readonly<Record<string, string>>;
  price?: ModelPrice | null;
  machineEnv: MachineEnv;
  log: Pick<Logger, 'debug' | 'warn'>;
  clock: Clock;
  wrap?: WrapCommand | undefined;
  /** Whether `wrap` is a sandbox. */
  isSandboxed: boolean;
  /** Whether it has the runner's network inside its sandbox. */
  network?: boolean | undefined;
  random?: Random;
  afterResultMs?: number;
};

/**
 * A command line without a terminal that reaches its model through the runner's gateway only: in a sandbox by a socket, without one by
 * loopback. So the real key stays with the runner, tokens and turns are counted alike for all of them, limits hold for those that know
 * none, and how the service answers is known first-hand.
 */
export function createHeadlessAgent(options: HeadlessAgentOptions): Agent {
  const { cli, name, machineEnv, clock, env = {}, random = systemRandom } = options;
  const program = options.executable ?? cli.program;
  const path = env['PATH'] ?? machineEnv['PATH'] ?? '';
  const isAlone = options.isSandboxed && options.network !== true;
  const readAccount = () => readModelAccount({ api: cli.api, variables: cli.variables, env, machineEnv });

  async function preflight(): Promise<AgentPreflight> {
    const executable = await findExecutable(program, path);
    if (executable === null) {
      return {
        ok: false,
        reason: `There is no program ${program} here`,
        fix: `Install ${cli.title} with \`npm install --global ${cli.packageName}\`, or set executable: of the agent "${name}" to its absolute path`,
      };
    }
    if (cli.whyOnlySandboxed !== null && !options.isSandboxed) {
      return { ok: false, reason: cli.whyOnlySandboxed, fix: SANDBOX_FIX };
    }
    if (readAccount().upstream === null) {
      return {
        ok: false,
        reason: `${cli.title} has no credentials`,
        fix: `Set ${cli.variables.keys.join(' or ')} for the runner, or in env: of the agent "${name}"`,
      };
    }
    return await checkProgram(executable);
  }

  /** Asks the program itself: does it start, which version is it, does it know the options that it is run with? */
  async function checkProgram(executable: string): Promise<AgentPreflight> {
    const install = `Install it with \`npm install --global ${cli.packageName}@${cli.tested.from}\``;
    const folder = await mkdtemp(join(tmpdir(), 'agent-preflight-'));
    const ask = async (args: readonly string[]) =>
      await runCommand({
        command: [executable, ...args],
        cwd: folder,
        env: {
          ...agentEnvironment(machineEnv, { homeFolder: folder, tempFolder: folder }),
          ...withoutAccount(),
        },
        timeoutMs: PREFLIGHT_MS,
        maxOutputBytes: MAX_HELP_BYTES,
        keepStdout: true,
        clock,
      });
    try {
      const asked = await ask(['--version']);
      const version = findVersion(asked.stdout ?? '');
      if (version === null || asked.exitCode !== 0) {
        const words = asked.spawnError?.message ?? toOneLine(asked.outputTail, 200);
        return { ok: false, reason: `${executable} is not ${cli.title}: ${words}`, fix: install };
      }
      if (!isWantedVersion(version, options.version ?? 'latest')) {
        return {
          ok: false,
          reason: `${cli.title} is ${version}, but ${options.version} is configured`,
          fix: `Install it with \`npm install --global ${cli.packageName}@${options.version}\`, or take version: out of the agent "${name}"`,
        };
      }
      const help = await ask(cli.help.arguments);
      const known = new Set(help.outputTail.match(/--[a-z][a-zA-Z-]*/g));
      const missing = cli.help.options.filter((option) => !known.has(option));
      if (missing.length > 0) {
        return {
          ok: false,
          reason: `${cli.title} ${version} does not know ${missing.join(', ')}`,
          fix: install,
        };
      }
      return { ok: true, version, warning: warnOfVersion(cli.title, version, cli.tested) };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async function run(task: AgentTask): Promise<AgentResult> {
    const { upstream, key } = readAccount();
    const token = createSecret(random);
    const text = createAgentText([key, token].filter((secret) => secret !== ''));
    const executable = await findExecutable(program, path);
    const refuse = (ending: AgentResult['ending'], detail: string): AgentResult => ({
      ending,
      detail: text.toLine(detail),
      summary: '',
      session: task.resumeSession,
      usage: { inputTokens: 0, outputTokens: 0, costUsd: null, turns: 0 },
      model: task.model ?? options.model ?? null,
      exitCode: null,
    });
    if (executable === null) return refuse('start_error', `There is no program ${program} here.`);
    if (upstream === null) return refuse('auth_error', `${cli.title} has no credentials.`);
    if (cli.whyOnlySandboxed !== null && !options.isSandboxed) {
      return refuse('config_error', `${cli.whyOnlySandboxed}. ${SANDBOX_FIX}.`);
    }

    let running: RunningAgent | null = null;
    const gateway = await openModelGateway({
      upstream,
      token,
      budget: {
        maxCostUsd: task.maxBudgetUsd,
        maxRequests: task.maxTurns * REQUESTS_A_TURN + MORE_REQUESTS,
        maxTurns: Math.max(1, Math.floor(task.maxTurns)),
      },
      price: options.price ?? null,
      listen: isAlone ? 'socket' : 'loopback',
      onTrouble: (facts) => {
        if (isHopeless(facts)) running?.stop({ kind: 'model_trouble' });
      },
      machineEnv,
      log: options.log,
    });
    try {
      return await runThrough(gateway, executable);
    } finally {
      await gateway.close();
    }

    async function runThrough(gateway: ModelGateway, executable: string): Promise<AgentResult> {
      const cliRun: CliRun = {
        task,
        model: task.model ?? options.model ?? null,
        url: gateway.port === null ? SANDBOX_MODEL_URL : `http://127.0.0.1:${gateway.port}`,
        token,
        isSandboxed: options.isSandboxed,
      };
      const obstacle = cli.findObstacle?.(cliRun) ?? null;
      if (obstacle !== null) return refuse('config_error', obstacle);
      await cli.prepare?.(cliRun);
      const launch = cli.launch(cliRun);
      const reader = cli.createReader(cliRun);
      let stderr = '';
      const ran = await runAgentCommand({
        launch: {
          command: [executable, ...launch.args],
          env: {
            ...agentEnvironment(machineEnv, task),
            ...withoutAccount(),
            ...launch.env,
            ...besideProxy(),
            HOME: task.homeFolder,
            TMPDIR: task.tempFolder,
          },
        },
        wrap: options.wrap,
        needs: {
          programs: [executable],
          sockets: [],
          network: isAlone ? { modelSocket: gateway.socket } : 'host',
        },
        task,
        input: COMMAND_START.test(task.prompt)
          ? `Work on the following task.\n\n${task.prompt}`
          : task.prompt,
        afterResultMs: options.afterResultMs ?? AFTER_RESULT_MS,
        clock,
        redact: text.redact,
        onStart: (agent) => {
          running = agent;
        },
        onLine: (line, stream, agent) => {
          if (stream === 'stderr') {
            stderr = `${stderr} ${text.toLine(line)}`.slice(-MAX_STDERR_LENGTH).trim();
            return;
          }
          for (const event of reader.read(line)) {
            const shown = text.toLine(event.text);
            if (shown !== '') task.onEvent({ ...event, text: shown });
          }
          if (reader.facts().finished) agent.expectEnd();
        },
      });
      if (ran.kind === 'not_started') return refuse('start_error', ran.error.message);

      const { exitCode, signal, spawnError, durationMs, leftBehind } = ran.process;
      const facts = reader.facts();
      const model = gateway.facts();
      const { ending, detail } = decideCliOutcome({
        title: cli.title,
        stop: ran.stop,
        facts,
        model,
        exitCode,
        signal,
        spawnError,
        stderr,
        maxMs: task.maxMs,
        idleMs: task.idleMs,
      });
      options.log.debug(
        { agent: name, ending, exitCode, signal, stop: ran.stop?.kind, durationMs },
        'Agent ended',
      );
      if (leftBehind.length > 0)
        options.log.warn({ pids: leftBehind }, 'Processes of an agent could not be ended');
      return {
        ending,
        detail: text.toLine(detail),
        summary: text.toBlock(facts.summary),
        session: facts.session ?? task.resumeSession,
        usage: toUsage(model, facts),
        model: model.model ?? cliRun.model,
        exitCode,
      };
    }
  }

  /** The agent's own variables without those that the gateway stands for. */
  function withoutAccount(): Record<string, string> {
    const account = [...cli.variables.keys, cli.variables.address, ...cli.accountVariables];
    return Object.fromEntries(Object.entries(env).filter(([variable]) => !account.includes(variable)));
  }

  /** The gateway on loopback is not to be asked for by way of the machine's proxy. */
  function besideProxy(): Record<string, string> {
    const besides = [env['NO_PROXY'] ?? machineEnv['NO_PROXY'] ?? '', '127.0.0.1', 'localhost'];
    const value = besides.filter((host) => host !== '').join(',');
    return { NO_PROXY: value, no_proxy: value };
  }

  return { name, preflight, run };
}

const SANDBOX_FIX =
  'Set sandbox: required in runner.yml and install bubblewrap (docs/runner.md), or choose another agent';

/** As the gateway counted it, also of a run that was cut; money by a known price, else by the agent's own account. */
function toUsage(model: ModelFacts, facts: Pick<CliFacts, 'costUsd'>): Usage {
  const { tokens } = model;
  return {
    inputTokens: tokens.input + tokens.cacheRead + tokens.cacheWrite,
    outputTokens: tokens.output,
    costUsd: model.isPriced ? model.costUsd : facts.costUsd,
    turns: model.turns,
  };
}
