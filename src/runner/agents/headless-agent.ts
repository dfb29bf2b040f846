import type { Logger } from 'pino';
import type { Usage } from '../../contract/attempt-result.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import { createSecret } from '../../lib/secret.ts';
import {
  type NetworkAccess,
  SANDBOX_MODEL_URL,
  toNetworkAccess,
  type WrapCommand,
} from '../sandbox/launch.ts';
import type { ModelApiName } from '../sandbox/model-apis.ts';
import { type ModelFacts, type ModelGateway, openModelGateway } from '../sandbox/model-gateway.ts';
import type { ModelPrice } from '../sandbox/model-usage.ts';
import type { Agent, AgentMeter, AgentPreflight, AgentResult, AgentTask } from './agent.ts';
import { agentEnvironment, type MachineEnv } from './agent-environment.ts';
import { createAgentText, findSecrets } from './agent-text.ts';
import { checkCliProgram } from './check-cli-program.ts';
import { decideCliOutcome, isHopeless } from './cli-outcome.ts';
import { findExecutable } from './find-executable.ts';
import type { CliFacts, CliRun, HeadlessCli } from './headless-cli.ts';
import { type ModelAccount, readModelAccount } from './model-account.ts';
import { runAgentCommand, type RunningAgent } from './run-agent-command.ts';

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
  killGraceMs?: number;
};

/**
 * A command line without a terminal. One with an `api` reaches its model through the runner's gateway only: in a sandbox by a socket,
 * without one by loopback. So the real key stays with the runner, tokens and turns are counted alike for all of them, limits hold for
 * those that know none, and how the service answers is known first-hand.
 */
export function createHeadlessAgent(options: HeadlessAgentOptions): Agent {
  const { cli, name, machineEnv, clock, env = {}, random = systemRandom } = options;
  const program = options.executable ?? cli.program;
  const path = env['PATH'] ?? machineEnv['PATH'] ?? '';
  const isAlone = options.isSandboxed && options.network !== true;

  async function preflight(): Promise<AgentPreflight> {
    const executable = await findExecutable(program, path);
    const { identity } = cli;
    if (executable === null) {
      const install =
        typeof identity === 'function'
          ? `Install it, or correct the command of the agent "${name}" in runner.yml`
          : `Install ${cli.title} with \`npm install --global ${identity.packageName}\`, or set executable: of the agent "${name}" to its absolute path`;
      return { ok: false, reason: `There is no program ${program} here`, fix: install };
    }
    if (cli.whyOnlySandboxed !== null && !options.isSandboxed) {
      return { ok: false, reason: cli.whyOnlySandboxed, fix: SANDBOX_FIX };
    }
    if (cli.api !== null && readAccount(cli.api).upstream === null) {
      return {
        ok: false,
        reason: `${cli.title} has no credentials`,
        fix: `Set ${cli.variables.keys.join(' or ')} for the runner, or in env: of the agent "${name}"`,
      };
    }
    const question = { executable, machineEnv, env: withoutAccount(), clock };
    if (typeof identity === 'function') return await identity(question);
    const version = options.version ?? 'latest';
    return await checkCliProgram({ ...question, name, title: cli.title, identity, version });
  }

  async function run(task: AgentTask): Promise<AgentResult> {
    const { upstream, key } = cli.api === null ? NO_ACCOUNT : readAccount(cli.api);
    const token = createSecret(random);
    const text = createAgentText([key, token, ...findSecrets(env)].filter((secret) => secret !== ''));
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
    if (cli.api !== null && upstream === null) {
      return refuse('auth_error', `${cli.title} has no credentials.`);
    }
    if (cli.whyOnlySandboxed !== null && !options.isSandboxed) {
      return refuse('config_error', `${cli.whyOnlySandboxed}. ${SANDBOX_FIX}.`);
    }

    let running: RunningAgent | null = null;
    const gateway =
      upstream === null
        ? null
        : await openModelGateway({
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
      await gateway?.close();
    }

    async function runThrough(gateway: ModelGateway | null, executable: string): Promise<AgentResult> {
      const cliRun: CliRun = {
        task,
        prompt: COMMAND_START.test(task.prompt)
          ? `Work on the following task.\n\n${task.prompt}`
          : task.prompt,
        model: task.model ?? options.model ?? null,
        url: toModelUrl(gateway),
        token,
        isSandboxed: options.isSandboxed,
      };
      const obstacle = cli.findObstacle?.(cliRun) ?? null;
      if (obstacle !== null) return refuse('config_error', obstacle);
      await cli.prepare?.(cliRun);
      const launch = cli.launch(cliRun);
      const reader = cli.createReader(cliRun);
      const conversation = 'input' in reader ? reader : null;
      const readMeter = (): AgentMeter => {
        const model = gateway?.facts() ?? null;
        return { usage: toUsage(model, reader.facts()), model: model?.model ?? cliRun.model };
      };
      task.onMeter?.(readMeter);
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
          programs: [executable, ...(cli.alsoNeeds ?? [])],
          sockets: [],
          network: toNetwork(gateway, task),
        },
        task,
        input: conversation?.input ?? cliRun.prompt,
        afterResultMs: options.afterResultMs ?? AFTER_RESULT_MS,
        killGraceMs: options.killGraceMs,
        clock,
        redact: text.redact,
        onStart: (agent) => {
          running = agent;
        },
        onStop: () => conversation?.cancel(),
        onLine: (line, stream, agent) => {
          if (stream === 'stderr') {
            stderr = `${stderr} ${text.toLine(line)}`.slice(-MAX_STDERR_LENGTH).trim();
            return;
          }
          for (const event of reader.read(line)) {
            const shown = text.toLine(event.text);
            if (shown !== '') task.onEvent({ ...event, text: shown });
          }
          const { ending, finished } = reader.facts();
          if (ending !== undefined) agent.stop({ kind: 'model_trouble' });
          if (finished && cli.endsByItself !== true) agent.expectEnd();
        },
      });
      if (ran.kind === 'not_started') return refuse('start_error', ran.error.message);

      const { exitCode, signal, spawnError, durationMs, leftBehind } = ran.process;
      const facts = reader.facts();
      const model = gateway?.facts() ?? null;
      const { ending, detail } = decideCliOutcome({
        title: cli.title,
        stop: ran.stop,
        facts,
        model,
        // Who was told that nothing more comes may end as it likes.
        exitCode: conversation !== null && facts.finished ? 0 : exitCode,
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
        // One that did not even begin has found none.
        session: facts.started ? facts.session : null,
        ...readMeter(),
        exitCode,
      };
    }
  }

  function readAccount(api: ModelApiName): ModelAccount {
    return readModelAccount({ api, variables: cli.variables, env, machineEnv });
  }

  function toModelUrl(gateway: ModelGateway | null): string {
    if (gateway === null) return '';
    return gateway.port === null ? SANDBOX_MODEL_URL : `http://127.0.0.1:${gateway.port}`;
  }

  function toNetwork(gateway: ModelGateway | null, { proxySocket }: AgentTask): NetworkAccess {
    return isAlone ? toNetworkAccess({ proxySocket, modelSocket: gateway?.socket }) : 'host';
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

  const { isSessionFile } = cli;
  return { name, preflight, run, ...(isSessionFile === undefined ? {} : { isSessionFile }) };
}

const SANDBOX_FIX =
  'Set sandbox: required in runner.yml and install bubblewrap (docs/runner.md), or choose another agent';
const NO_ACCOUNT: ModelAccount = { upstream: null, key: '' };

/** As the gateway counted it, also of a run that was cut; money by a known price, else by the agent's own account. */
function toUsage(model: ModelFacts | null, { costUsd, tokens }: CliFacts): Usage {
  if (model === null) {
    return { inputTokens: tokens?.input ?? 0, outputTokens: tokens?.output ?? 0, costUsd, turns: 0 };
  }
  const counted = model.tokens;
  return {
    inputTokens: counted.input + counted.cacheRead + counted.cacheWrite,
    outputTokens: counted.output,
    costUsd: model.isPriced ? model.costUsd : costUsd,
    turns: model.turns,
  };
}
