import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import type { ModelPrice } from '../sandbox/model-usage.ts';
import { NO_SANDBOX, type Sandbox } from '../sandbox/sandbox.ts';
import type { Agent } from './agent.ts';
import type { MachineEnv } from './agent-environment.ts';
import type { AgentsConfig, ClaudeCodeSettings } from './agents-config.ts';
import { createAcpCli } from './acp.ts';
import { createClaudeCodeAgent } from './claude-code.ts';
import { CODEX } from './codex.ts';
import { createCommandAgent } from './command-agent.ts';
import { GEMINI } from './gemini.ts';
import { createHeadlessAgent } from './headless-agent.ts';
import type { HeadlessCli } from './headless-cli.ts';
import { createOpencodeCli } from './opencode.ts';

/** The agent that there is without any configuration. */
const BUILT_IN_AGENT = 'claude';

export type Agents = {
  byName: ReadonlyMap<string, Agent>;
  /** For repositories that ask for none: the one, and those to fall back to. Always in `byName`. */
  defaultNames: readonly [string, ...string[]];
};

/**
 * The agents of a runner, by name: those of `agents:`, and `claude` as `claude_code:` describes it. The latter is left
 * out where others are configured and nothing says that Claude Code is wanted too, so that it need not be installed.
 *
 * The default is `defaultAgents`, else the first of `agents:`, else `claude`. Throws if one of `defaultAgents` isn't there;
 * whoever reads the configuration has said so before.
 */
export function createAgents(options: {
  agents: AgentsConfig;
  defaultAgents: readonly string[];
  claudeCode: ClaudeCodeSettings;
  machineEnv: MachineEnv;
  log: Pick<Logger, 'debug' | 'warn'>;
  clock: Clock;
  /** Put around each agent. */
  sandbox?: Sandbox;
}): Agents {
  const { agents, claudeCode, defaultAgents, sandbox = NO_SANDBOX } = options;
  const shared = {
    machineEnv: options.machineEnv,
    log: options.log,
    clock: options.clock,
    wrap: sandbox.wrap,
  };

  const isSandboxed = sandbox.kind === 'bubblewrap';

  function createAgent(name: string, config: AgentsConfig[string]): Agent {
    switch (config.kind) {
      case 'command':
        return createCommandAgent({ ...shared, ...config, name });
      case 'claude':
        return createClaudeCodeAgent({
          ...shared,
          name,
          isIsolated: isSandboxed && config.network !== true,
          executable: config.executable ?? claudeCode.executable ?? 'claude',
          version: claudeCode.version,
          model: config.model ?? null,
          env: config.env,
          configFolder: claudeCode.configPath,
        });
      case 'codex':
        return createHeadless(CODEX, name, config);
      case 'gemini':
        return createHeadless(GEMINI, name, config);
      case 'opencode':
        return createHeadless(createOpencodeCli(config.api), name, config);
      case 'acp':
        return createHeadless(createAcpCli({ ...config, name, api: config.api ?? null }), name, config);
      default:
        return config satisfies never;
    }
  }

  function createHeadless(
    cli: HeadlessCli,
    name: string,
    config: Exclude<AgentsConfig[string], { kind: 'claude' | 'command' }>,
  ): Agent {
    const [price, model] = [toPrice(config.price), config.model ?? null];
    return createHeadlessAgent({ ...shared, ...config, name, cli, isSandboxed, model, price });
  }

  const byName = new Map<string, Agent>();
  for (const [name, config] of Object.entries(agents)) byName.set(name, createAgent(name, config));
  const wanted =
    defaultAgents.includes(BUILT_IN_AGENT) ||
    claudeCode.executable !== null ||
    claudeCode.configPath !== null;
  if (!byName.has(BUILT_IN_AGENT) && (byName.size === 0 || wanted)) {
    byName.set(
      BUILT_IN_AGENT,
      createClaudeCodeAgent({
        ...shared,
        name: BUILT_IN_AGENT,
        isIsolated: isSandboxed,
        executable: claudeCode.executable ?? 'claude',
        version: claudeCode.version,
        configFolder: claudeCode.configPath,
      }),
    );
  }

  const unknown = defaultAgents.find((name) => !byName.has(name));
  if (unknown !== undefined) {
    throw new Error(`default_agent "${unknown}" is not one of ${[...byName.keys()].join(', ')}`);
  }
  const [first = Object.keys(agents)[0] ?? BUILT_IN_AGENT, ...others] = defaultAgents;
  return { byName, defaultNames: [first, ...others] };
}

function toPrice(
  price: { input: number; output: number; cached_input?: number | undefined } | undefined,
): ModelPrice | null {
  if (price === undefined) return null;
  const { input, output, cached_input: cachedInput } = price;
  return { input, output, cachedInput };
}
