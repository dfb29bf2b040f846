import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import { NO_SANDBOX, type Sandbox } from '../sandbox/sandbox.ts';
import type { Agent } from './agent.ts';
import type { MachineEnv } from './agent-environment.ts';
import type { AgentsConfig, ClaudeCodeSettings } from './agents-config.ts';
import { createClaudeCodeAgent } from './claude-code.ts';
import { createCommandAgent } from './command-agent.ts';

/** The agent that there is without any configuration. */
const BUILT_IN_AGENT = 'claude';

export type Agents = {
  byName: ReadonlyMap<string, Agent>;
  /** The one for repositories that ask for none. Always in `byName`. */
  defaultName: string;
};

/**
 * The agents of a runner, by name: those of `agents:`, and `claude` as `claude_code:` describes it. The latter is left
 * out where others are configured and nothing says that Claude Code is wanted too, so that it need not be installed.
 *
 * The default is `defaultAgent`, else the first of `agents:`, else `claude`. Throws if `defaultAgent` isn't there;
 * whoever reads the configuration has said so before.
 */
export function createAgents(options: {
  agents: AgentsConfig;
  defaultAgent: string | null;
  claudeCode: ClaudeCodeSettings;
  machineEnv: MachineEnv;
  log: Pick<Logger, 'debug' | 'warn'>;
  clock: Clock;
  /** Put around each agent. */
  sandbox?: Sandbox;
}): Agents {
  const { agents, claudeCode, defaultAgent, sandbox = NO_SANDBOX } = options;
  const shared = {
    machineEnv: options.machineEnv,
    log: options.log,
    clock: options.clock,
    wrap: sandbox.wrap,
  };

  const byName = new Map<string, Agent>();
  for (const [name, config] of Object.entries(agents)) {
    if (config.kind === 'command') {
      byName.set(name, createCommandAgent({ ...shared, ...config, name }));
      continue;
    }
    byName.set(
      name,
      createClaudeCodeAgent({
        ...shared,
        name,
        isIsolated: sandbox.kind === 'bubblewrap' && config.network !== true,
        executable: config.executable ?? claudeCode.executable ?? 'claude',
        version: claudeCode.version,
        model: config.model ?? null,
        env: config.env,
        configFolder: claudeCode.configPath,
      }),
    );
  }
  const wanted =
    defaultAgent === BUILT_IN_AGENT || claudeCode.executable !== null || claudeCode.configPath !== null;
  if (!byName.has(BUILT_IN_AGENT) && (byName.size === 0 || wanted)) {
    byName.set(
      BUILT_IN_AGENT,
      createClaudeCodeAgent({
        ...shared,
        name: BUILT_IN_AGENT,
        isIsolated: sandbox.kind === 'bubblewrap',
        executable: claudeCode.executable ?? 'claude',
        version: claudeCode.version,
        configFolder: claudeCode.configPath,
      }),
    );
  }

  const defaultName = defaultAgent ?? Object.keys(agents)[0] ?? BUILT_IN_AGENT;
  if (!byName.has(defaultName)) {
    throw new Error(`default_agent "${defaultName}" is not one of ${[...byName.keys()].join(', ')}`);
  }
  return { byName, defaultName };
}
