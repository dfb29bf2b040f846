import { isDeepStrictEqual } from 'node:util';
import type { RunnerConfig } from './config.ts';

type Settings = Readonly<Record<string, (config: RunnerConfig) => unknown>>;

/** What a running runner takes over, by its key in runner.yml. */
const LIVE: Settings = {
  specialties: (config) => config.specialties,
  max_concurrent_tasks: (config) => config.maxConcurrentTasks,
  'claude_code.version': (config) => config.claudeCode.version,
  'claude_code.executable': (config) => config.claudeCode.executable,
  'logging.level': (config) => config.logging.level,
  agents: (config) => config.agents,
  default_agent: (config) => config.defaultAgents,
  capabilities: (config) => config.capabilities,
  context: (config) => config.context,
  disk: (config) => config.disk,
  'sandbox.registries': (config) => config.sandbox.registries,
  'sandbox.hosts': (config) => config.sandbox.hosts,
  'sandbox.repository_hosts': (config) => config.sandbox.repositoryHosts,
};

/** What was built from these when the runner was started can't be changed under what runs. */
const FIXED: Settings = {
  agent_id: (config) => config.agentId,
  hostname: (config) => config.hostname,
  coordinator_url: (config) => config.coordinatorUrl,
  workspace_root: (config) => config.workspaceRoot,
  keep_workspaces_hours: (config) => config.keepWorkspacesHours,
  github: (config) => config.github,
  // The sandbox was told what to hide.
  'claude_code.config_path': (config) => config.claudeCode.configPath,
  'logging.file': (config) => config.logging.file,
  'sandbox.mode': (config) => config.sandbox.mode,
  'sandbox.readable': (config) => config.sandbox.readable,
  'sandbox.limits': (config) => config.sandbox.limits,
  transport: (config) => config.transport,
  github_app: (config) => config.githubApp,
  health: (config) => config.health,
  key_file: (config) => config.keyFile,
};

export type ReloadPlan = {
  /** What is in force from now on: the old one, with what can be changed of the new one. */
  config: RunnerConfig;
  /** Keys that changed and count at once: for attempts that begin from now on. */
  changed: string[];
  /** Keys that changed and count after a restart. */
  needsRestart: string[];
};

/** What becomes of a new configuration while `inForce` is at work. */
export function planReload(inForce: RunnerConfig, wanted: RunnerConfig): ReloadPlan {
  return {
    config: {
      ...inForce,
      specialties: wanted.specialties,
      maxConcurrentTasks: wanted.maxConcurrentTasks,
      claudeCode: { ...wanted.claudeCode, configPath: inForce.claudeCode.configPath },
      logging: { ...inForce.logging, level: wanted.logging.level },
      agents: wanted.agents,
      defaultAgents: wanted.defaultAgents,
      capabilities: wanted.capabilities,
      context: wanted.context,
      disk: wanted.disk,
      sandbox: {
        ...inForce.sandbox,
        registries: wanted.sandbox.registries,
        hosts: wanted.sandbox.hosts,
        repositoryHosts: wanted.sandbox.repositoryHosts,
      },
    },
    changed: findChanges(LIVE, inForce, wanted),
    needsRestart: findChanges(FIXED, inForce, wanted),
  };
}

function findChanges(settings: Settings, before: RunnerConfig, after: RunnerConfig): string[] {
  return Object.entries(settings)
    .filter(([, read]) => !isDeepStrictEqual(read(before), read(after)))
    .map(([key]) => key);
}
