import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import { createSecret } from '../../lib/secret.ts';
import { toNetworkAccess, type WrapCommand } from '../sandbox/launch.ts';
import { type ModelGateway, openModelGateway } from '../sandbox/model-gateway.ts';
import type { Agent, AgentMeter, AgentPreflight, AgentResult, AgentTask } from './agent.ts';
import type { MachineEnv } from './agent-environment.ts';
import { makeInAgentFolder } from './agent-folder.ts';
import { createAgentText } from './agent-text.ts';
import { claudeArguments, claudePrompt } from './claude-code-arguments.ts';
import {
  claudeAccount,
  CLAUDE_FOLDER,
  claudeEnvironment,
  CREDENTIAL_VARIABLES,
} from './claude-code-environment.ts';
import type { ClaudeAccount } from './claude-code-environment.ts';
import {
  MODEL_SOCKET,
  toGatewayAccount,
  toMaxRequests,
  toModelUpstream,
  withoutAccount,
} from './claude-code-gateway.ts';
import { parseClaudeEvent } from './claude-code-events.ts';
import type { ClaudeEvent } from './claude-code-events.ts';
import { readClaudeLogin } from './claude-code-login.ts';
import { decideClaudeOutcome } from './claude-code-outcome.ts';
import { checkClaudeProgram } from './claude-code-preflight.ts';
import { createClaudeRecord, toLogEvents } from './claude-code-record.ts';
import { findExecutable } from './find-executable.ts';
import { runAgentCommand } from './run-agent-command.ts';
import type { RunningAgent } from './run-agent-command.ts';

const AFTER_RESULT_MS = 10_000;

export type ClaudeCodeOptions = {
  /** How repositories ask for it. */
  name?: string;
  /** An absolute path, or a name on the PATH of `machineEnv`. */
  executable: string;
  /** `latest`, or the version (or its beginning) that must be installed. */
  version?: string;
  /** Used when a task asks for none. */
  model?: string | null;
  /** The agent's own variables: passed on as they are, except that what keeps it safe stays as it is. */
  env?: Readonly<Record<string, string>>;
  /** The runner's environment: PATH, language, proxies and, if `env` names none, the credentials are taken from it. */
  machineEnv: MachineEnv;
  /** Folder of a logged-in Claude Code, for its access token; see `readClaudeLogin`. */
  configFolder?: string | null;
  log: Pick<Logger, 'debug' | 'warn'>;
  clock: Clock;
  wrap?: WrapCommand | undefined;
  /**
   * Whether it runs without network, and without the real credentials: then its model is all that it reaches, through a gateway of the
   * runner. `wrap` must be a sandbox that mounts the gateway's socket.
   */
  isIsolated?: boolean;
  random?: Random;
  /** How long it may stay after its result, 10 seconds by default. */
  afterResultMs?: number;
  /** How long it has to end by itself when it is asked to, 10 seconds by default. */
  killGraceMs?: number;
  newSessionId?: () => string;
};

/**
 * Claude Code without a terminal: prompt on stdin, one JSON event a line on stdout. It gets an environment of its own
 * and options that leave the repository nothing to say about hooks, servers, settings or where the key is sent; if
 * something of the kind runs all the same, the run is ended at once. Configuration and session are in a folder of the
 * attempt that only the agent has.
 */
export function createClaudeCodeAgent(options: ClaudeCodeOptions): Agent {
  const { machineEnv, clock, env = {}, newSessionId = randomUUID, random = systemRandom } = options;
  const path = env['PATH'] ?? machineEnv['PATH'] ?? '';

  async function readAccount(): Promise<{
    account: ClaudeAccount;
    loginProblem: { reason: string; fix: string } | null;
  }> {
    const login = options.configFolder ? await readClaudeLogin(options.configFolder, clock.nowMs()) : null;
    return {
      account: claudeAccount({ env, machineEnv, loginToken: login?.ok ? login.token : null }),
      loginProblem: login === null || login.ok ? null : login,
    };
  }

  async function preflight(): Promise<AgentPreflight> {
    const executable = await findExecutable(options.executable, path);
    if (executable === null) {
      return {
        ok: false,
        reason: `There is no program ${options.executable} here`,
        fix: 'Install Claude Code with `npm install --global @anthropic-ai/claude-code`, or set claude_code.executable to its absolute path',
      };
    }
    const { account, loginProblem } = await readAccount();
    if (account.missing) {
      const variables = CREDENTIAL_VARIABLES.join(', ');
      return {
        ok: false,
        reason: loginProblem?.reason ?? 'Claude Code has no credentials',
        fix: loginProblem?.fix ?? `Set one of ${variables} for the runner, or in env: of the agent`,
      };
    }
    if (options.isIsolated && toModelUpstream(account.env) === null) return { ok: false, ...NEEDS_NETWORK };
    return await checkClaudeProgram({
      executable,
      version: options.version ?? 'latest',
      machineEnv,
      env,
      clock,
    });
  }

  async function run(task: AgentTask): Promise<AgentResult> {
    const record = createClaudeRecord();
    const executable = await findExecutable(options.executable, path);
    const { account, loginProblem } = await readAccount();
    const text = createAgentText(
      CREDENTIAL_VARIABLES.flatMap((name) => [account.env[name] ?? '', env[name] ?? '']),
    );
    const model = task.model ?? options.model ?? null;

    function finish(ending: AgentResult['ending'], detail: string, exitCode: number | null): AgentResult {
      return {
        ending,
        detail: text.toLine(detail),
        summary: text.toBlock(record.summary()),
        session: record.session(),
        usage: record.usage(),
        model: record.model() ?? model,
        exitCode,
      };
    }
    if (executable === null)
      return finish('start_error', `There is no program ${options.executable} here.`, null);
    if (account.missing) {
      return finish(
        'auth_error',
        `Claude Code has no credentials: ${loginProblem?.reason ?? 'none are set'}.`,
        null,
      );
    }

    function see(event: ClaudeEvent, agent: RunningAgent): void {
      record.see(event);
      react(event, agent);
      for (const entry of toLogEvents(event, task.folder)) {
        task.onEvent({ ...entry, text: text.toLine(entry.text) });
      }
    }

    const upstream = options.isIsolated ? toModelUpstream(account.env) : null;
    if (options.isIsolated && upstream === null) {
      return finish('config_error', `${NEEDS_NETWORK.reason}. ${NEEDS_NETWORK.fix}.`, null);
    }
    const token = createSecret(random);
    const gateway =
      upstream === null
        ? null
        : await openModelGateway({
            upstream,
            token,
            budget: { maxCostUsd: task.maxBudgetUsd, maxRequests: toMaxRequests(task.maxTurns) },
            machineEnv,
            log: options.log,
          });
    task.onMeter?.(() => readMeter(gateway));
    try {
      return await runThrough(executable, gateway, token);
    } finally {
      await gateway?.close();
    }

    /** Its own account of the cost comes with the result only; until then the gateway's counts, if there is one. */
    function readMeter(counted: ModelGateway | null): AgentMeter {
      const usage = record.usage();
      const { isPriced, costUsd } = counted?.facts() ?? { isPriced: false, costUsd: 0 };
      return {
        usage: { ...usage, costUsd: usage.costUsd ?? (isPriced ? costUsd : null) },
        model: record.model() ?? model,
      };
    }

    async function runThrough(
      program: string,
      gateway: ModelGateway | null,
      token: string,
    ): Promise<AgentResult> {
      const environment = claudeEnvironment({
        ...task,
        machineEnv,
        ...(gateway === null
          ? { env, account }
          : { env: withoutAccount(env), account: { ...account, env: toGatewayAccount(account.env, token) } }),
      });
      const session = newSessionId();
      await makeInAgentFolder(task.agentFolder, CLAUDE_FOLDER);
      const ran = await runAgentCommand({
        launch: { command: [program, ...claudeArguments(task, { model, session })], env: environment },
        wrap: options.wrap,
        needs: {
          programs: [program],
          sockets: gateway === null ? [] : [{ file: gateway.socket, inside: MODEL_SOCKET }],
          network: gateway === null ? 'host' : toNetworkAccess({ proxySocket: task.proxySocket }),
        },
        task,
        input: claudePrompt(task.prompt),
        afterResultMs: options.afterResultMs ?? AFTER_RESULT_MS,
        killGraceMs: options.killGraceMs,
        clock,
        redact: text.redact,
        onLine: (line, stream, agent) => {
          if (stream === 'stderr') {
            record.seeStderr(text.toLine(line));
            return;
          }
          const event = parseClaudeEvent(line);
          if (event !== null) see(event, agent);
        },
      });
      if (ran.kind === 'not_started') return finish('start_error', ran.error.message, null);

      const { exitCode, signal, spawnError, durationMs, leftBehind } = ran.process;
      const { ending, detail } = decideClaudeOutcome({
        ...record.facts(),
        stop: ran.stop,
        exitCode,
        signal,
        spawnError,
        maxMs: task.maxMs,
        idleMs: task.idleMs,
      });
      options.log.debug({ ending, exitCode, signal, stop: ran.stop?.kind, durationMs }, 'Claude Code ended');
      if (leftBehind.length > 0)
        options.log.warn({ pids: leftBehind }, 'Processes of an agent could not be ended');
      if (gateway?.facts().isOverBudget && ending !== 'completed') {
        return finish(
          'max_budget',
          'The model was asked for more than the budget of the job allows.',
          exitCode,
        );
      }
      return finish(ending, detail, exitCode);
    }
  }

  return {
    name: options.name ?? 'claude',
    preflight,
    run,
    // With the real credentials around it, one of its commands may have printed them.
    ...(options.isIsolated === true ? { isSessionFile: isClaudeSessionFile } : {}),
  };
}

/** The conversation, and what it has put in files of its own: `.claude/projects/<folder>/<session>.jsonl` and below `…/<session>/`. */
function isClaudeSessionFile(session: string, path: string): boolean {
  const [first, second, , ...rest] = path.split('/');
  const [name] = rest;
  if (first !== CLAUDE_FOLDER || second !== 'projects') return false;
  return name === session || (rest.length === 1 && name === `${session}.jsonl`);
}

const NEEDS_NETWORK = {
  reason: 'Claude Code signs in to a cloud by itself, which takes a network that its sandbox has not',
  fix: 'Set network: true for this agent in runner.yml, or give it one of the credentials of the Messages API',
};

/** What ends a run from within: a result, refused credentials, and signs that our options were not obeyed. */
function react(event: ClaudeEvent, agent: RunningAgent): void {
  if (event.kind === 'result') agent.expectEnd();
  // Otherwise it would try again ten times, for three minutes.
  if (event.kind === 'retry' && (event.status === 401 || event.status === 403)) {
    agent.stop({ kind: 'auth_rejected', status: event.status });
  }
  if (event.kind === 'init' && event.mcpServers.length > 0) {
    agent.stop({ kind: 'alarm', text: alarmText(`a tool server (${event.mcpServers.join(', ')})`) });
  }
  if (event.kind === 'hook') {
    agent.stop({ kind: 'alarm', text: alarmText(`a hook (${event.name})`) });
  }
}

function alarmText(what: string): string {
  return `ALARM: Claude Code started ${what} although it was told not to. The run was ended; find out where it comes from before you go on.`;
}
