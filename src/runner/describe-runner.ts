import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { RunnerFacts } from '../contract/runner-api.ts';
import type { Logger } from '../lib/logger.ts';
import type { MachineEnv } from './agents/agent-environment.ts';
import type { Agents } from './agents/create-agents.ts';
import { probeCapabilities } from './capabilities.ts';
import type { RunnerConfig } from './config.ts';
import type { Sandbox } from './sandbox/sandbox.ts';

/**
 * What this runner says of itself: its configuration, what the machine has, and `agent:<name>` for each agent that can run here. An
 * agent that can't is no reason not to start, but is said loudly.
 */
export async function describeRunner(
  config: RunnerConfig,
  deps: { agents: Agents; machineEnv: MachineEnv; version: string; log: Logger; sandbox: Sandbox },
): Promise<RunnerFacts> {
  const { machineEnv, sandbox } = deps;
  const folder = path.join(config.workspaceRoot, '.yardmaster', 'probe');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = config.capabilities.declared ?? (await probeCapabilities({ machineEnv, sandbox, folder }));
  const agents = await findUsableAgents(deps.agents, deps.log);
  return {
    name: config.agentId,
    hostname: config.hostname,
    specialties: config.specialties,
    capabilities: [...new Set([...found, ...config.capabilities.extra, ...agents])],
    capacity: config.maxConcurrentTasks,
    version: deps.version,
  };
}

async function findUsableAgents(agents: Agents, log: Logger): Promise<string[]> {
  const found = await Promise.all(
    [...agents.byName].map(async ([name, agent]) => {
      const fitness = await agent.preflight();
      if (fitness.ok) {
        if (fitness.warning) log.warn({ agent: name, warning: fitness.warning }, 'An agent needs a look');
        return [`agent:${name}`];
      }
      log.error({ agent: name, reason: fitness.reason, fix: fitness.fix }, 'An agent can not run here');
      return [];
    }),
  );
  return found.flat();
}
