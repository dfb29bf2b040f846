import { isAbsolute } from 'node:path';
import type { Logger } from 'pino';
import type { Usage } from '../../contract/attempt-result.ts';
import type { Clock } from '../../lib/clock.ts';
import type { CommandResult } from '../../lib/run-command.ts';
import { toNetworkAccess, type WrapCommand } from '../sandbox/launch.ts';
import type { Agent, AgentEnding, AgentEvent, AgentResult, AgentTask } from './agent.ts';
import { agentEnvironment } from './agent-environment.ts';
import type { MachineEnv } from './agent-environment.ts';
import { createAgentText, findSecrets } from './agent-text.ts';
import { parseCommandAgentEvent } from './command-agent-events.ts';
import { findExecutable } from './find-executable.ts';
import { runAgentCommand } from './run-agent-command.ts';
import type { AgentStop } from './run-agent-command.ts';

/** Of the output of a failed run, for people. */
const MAX_QUOTED_LENGTH = 500;

export type CommandAgentOptions = {
  /** How repositories ask for it. */
  name?: string;
  /** A program on the PATH or an absolute path, and its arguments. */
  command: readonly [string, ...string[]];
  /** The agent's own variables, passed on as they are. */
  env?: Readonly<Record<string, string>>;
  /** The runner's environment: PATH, language and proxies are taken from it. */
  machineEnv: MachineEnv;
  log: Pick<Logger, 'debug' | 'warn'>;
  clock: Clock;
  wrap?: WrapCommand | undefined;
  /** Whether it reaches the network from inside a sandbox. Off by default. */
  network?: boolean | undefined;
};

/**
 * Any program as an agent: the prompt on stdin, the workspace as working directory, exit code 0 for completed work. What
 * it was asked for stands in `YARDMASTER_MODEL` (if any), `YARDMASTER_MAX_TURNS` and `YARDMASTER_MAX_BUDGET_USD`;
 * keeping to it is up to the program, only the time is not. `YARDMASTER_AGENT_FOLDER` is for what it keeps from one round to the next:
 * set-up and tests never see it.
 *
 * It may tell about itself on stdout, one JSON object a line: `{"type":"message","text":"…"}` (also `tool` and
 * `warning`) and `{"type":"result","summary":"…","model":"…","usage":{"inputTokens":0,"outputTokens":0,"costUsd":null,
 * "turns":0}}`. Other lines are text for the log.
 */
export function createCommandAgent(options: CommandAgentOptions): Agent {
  const { machineEnv, env = {}, clock } = options;
  const name = options.name ?? 'command';
  const [program, ...args] = options.command;
  const path = env['PATH'] ?? machineEnv['PATH'] ?? '';
  const shown = createAgentText(findSecrets(env));

  async function preflight(): ReturnType<Agent['preflight']> {
    if ((await findExecutable(program, path)) !== null) return { ok: true, version: null };
    return {
      ok: false,
      reason: `There is no program ${program} here`,
      fix: `Install it, or correct the command of the agent "${name}" in the runner's configuration`,
    };
  }

  async function run(task: AgentTask): Promise<AgentResult> {
    let summary = '';
    let model: string | null = null;
    let usage: Usage = { inputTokens: 0, outputTokens: 0, costUsd: null, turns: 0 };

    function tell(kind: AgentEvent['kind'], text: string): void {
      const line = shown.toLine(text);
      if (line !== '') task.onEvent({ kind, text: line });
    }

    function finish(ending: AgentEnding, detail: string, exitCode: number | null): AgentResult {
      return {
        ending,
        detail: shown.toLine(detail),
        summary: shown.toBlock(summary),
        session: null,
        usage,
        model: model ?? task.model,
        exitCode,
      };
    }

    task.onMeter?.(() => ({ usage, model: model ?? task.model }));
    const executable = await findExecutable(program, path);
    if (executable === null) return finish('start_error', `There is no program ${program} here.`, null);
    const ran = await runAgentCommand({
      launch: { command: [executable, ...args], env: environment(task) },
      wrap: options.wrap,
      needs: {
        programs: [executable, ...args.filter((word) => isAbsolute(word))],
        sockets: [],
        network: options.network === true ? 'host' : toNetworkAccess({ proxySocket: task.proxySocket }),
      },
      task,
      input: task.prompt,
      clock,
      redact: shown.redact,
      onLine: (line, stream) => {
        if (stream === 'stderr') {
          tell('warning', line);
          return;
        }
        const event = parseCommandAgentEvent(line);
        if (event.kind === 'result') ({ summary, model, usage } = event);
        else tell(event.kind, event.text);
      },
    });
    if (ran.kind === 'not_started') return finish('start_error', ran.error.message, null);
    const { ending, detail } = decide(ran.process, ran.stop, name);
    const { exitCode, signal, durationMs, leftBehind } = ran.process;
    options.log.debug({ agent: name, ending, exitCode, signal, durationMs }, 'Agent ended');
    if (leftBehind.length > 0)
      options.log.warn({ pids: leftBehind }, 'Processes of an agent could not be ended');
    return finish(ending, detail, exitCode);
  }

  function environment(task: AgentTask): Record<string, string> {
    return {
      ...agentEnvironment(machineEnv, task),
      ...env,
      HOME: task.homeFolder,
      TMPDIR: task.tempFolder,
      YARDMASTER_AGENT_FOLDER: task.agentFolder,
      ...(task.model === null ? {} : { YARDMASTER_MODEL: task.model }),
      YARDMASTER_MAX_TURNS: String(task.maxTurns),
      YARDMASTER_MAX_BUDGET_USD: String(task.maxBudgetUsd),
    };
  }

  return { name, preflight, run };
}

function decide(
  process: CommandResult,
  stop: AgentStop | null,
  name: string,
): { ending: AgentEnding; detail: string } {
  if (process.spawnError) {
    return { ending: 'start_error', detail: `${name} could not be started: ${process.spawnError.message}` };
  }
  if (stop?.kind === 'cancelled') return { ending: 'cancelled', detail: 'The run was cancelled.' };
  if (stop?.kind === 'out_of_memory') return { ending: 'config_error', detail: stop.text };
  if (stop?.kind === 'timeout') return { ending: 'timeout', detail: `${name} was ended at the time limit.` };
  if (stop?.kind === 'idle') {
    return { ending: 'idle', detail: `${name} was ended because nothing was heard of it for too long.` };
  }
  if (process.exitCode === 0) return { ending: 'completed', detail: `${name} finished its work.` };
  const how = process.signal === null ? `exit ${process.exitCode}` : process.signal;
  const words = process.outputTail.slice(-MAX_QUOTED_LENGTH).trim();
  return { ending: 'crashed', detail: `${name} failed (${how})${words === '' ? '' : `: ${words}`}` };
}
