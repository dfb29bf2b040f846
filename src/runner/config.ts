import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunnerId } from '../contract/identifiers.ts';
import { BUDGETS } from '../domain/timings.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import type { LogLevel } from '../lib/logger.ts';
import { readYaml } from '../lib/read-yaml.ts';
import type { AgentsConfig } from './agents/agents-config.ts';
import {
  applyEnvironment,
  type EnvironmentVariables,
  RUNNER_VARIABLE_PREFIX,
  RUNNER_VARIABLES,
} from './config-environment.ts';
import { GitHubRunnerFile, RunnerFile } from './config-file.ts';
import { describeIssue, toLinePrefix } from './config-problems.ts';
import { DEFAULT_PROMPT_TOKENS } from './context/build-prompt.ts';
import type { ContextSettings } from './context/context-settings.ts';
import { DEFAULT_ATTEMPT_GB, type DiskQuota, GIGABYTE } from './disk-quota.ts';
import { isWithin } from './sandbox/paths.ts';
import { type SandboxSettings, toSandboxSettings } from './sandbox/sandbox-settings.ts';

/** How a runner is set up: checked, complete, with absolute paths. */
export type RunnerConfig = {
  agentId: string;
  hostname: string;
  /** Empty with the transport `github`. */
  coordinatorUrl: string;
  specialties: string[];
  workspaceRoot: string;
  maxConcurrentTasks: number;
  /** How long what is safe of a workspace waits for the next round of its pull request; 0: not at all. */
  keepWorkspacesHours: number;
  /** The machine's own git credentials, used for clone and push instead of minted ones; `null` = minted ones. */
  github: { token: string | null; sshKey: string | null };
  claudeCode: { version: string; configPath: string | null; executable: string | null };
  logging: { level: LogLevel; file: string | null };
  agents: AgentsConfig;
  /** In the order in which they are tried; none = the first of `agents`, or Claude Code. */
  defaultAgents: readonly string[];
  sandbox: SandboxSettings;
  context: ContextSettings;
  disk: DiskQuota;
  capabilities: {
    /** Added to what is found on the machine. */
    extra: string[];
    /** Instead of looking at the machine; `null` = look. */
    declared: string[] | null;
  };
  transport: 'coordinator' | 'github';
  /** For the transport `github`, and only for it. */
  githubApp: {
    appId: number;
    privateKeyPath: string;
    runnerId: RunnerId;
    /** REST root without a slash at the end. */
    apiUrl: string;
    /** Between two looks for work, before jitter and before standing back when the request budget runs low. */
    pollSeconds: number;
  } | null;
  /** `null` = no health server. Port 0 = any free one. */
  health: { host: string; port: number } | null;
  keyFile: string;
};

/** What the configuration is read from, handed in so that nothing else is looked at. */
export type ConfigSources = {
  file: string;
  variables: EnvironmentVariables;
  /** For defaults and for `~` in paths. */
  machine: { hostname: string; homeFolder: string };
};

export type ConfigReading =
  { ok: true; config: RunnerConfig; warnings: string[] } | { ok: false; problems: string[] };

/** GitHub's budget is shared by all runners and the coordinator. */
const DEFAULT_POLL_SECONDS = 30;

/** A token of the examples in the documentation, left in place. */
const PLACEHOLDER = /your[_-]?token|^<.*>$|^changeme$|^x{4,}$/i;

/** runner.yml and the environment → RunnerConfig, or every problem at once, each naming key, line and fix. */
export async function readRunnerConfig(sources: ConfigSources): Promise<ConfigReading> {
  let text: string;
  try {
    text = await readFile(sources.file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return {
      ok: false,
      problems: [
        code === 'ENOENT'
          ? `${sources.file} does not exist: run \`yardmaster runner enroll\` here, which writes one, or name another file with --config`
          : `${sources.file} can't be read (${code})`,
      ],
    };
  }
  return parseRunnerConfig(text, sources);
}

/**
 * Where the runner works, also by a runner.yml with mistakes in it: whoever has just made one wants to ask the runner all the more.
 * Answers the mistakes when it does not even say that.
 */
export async function readWorkspaceRoot(
  sources: ConfigSources,
): Promise<{ ok: true; workspaceRoot: string } | { ok: false; problems: string[] }> {
  const reading = await readRunnerConfig(sources);
  if (reading.ok) return { ok: true, workspaceRoot: reading.config.workspaceRoot };
  // Told by the reading above.
  const yaml = readYaml(await readFile(sources.file, 'utf8').catch(() => ''));
  const file = yaml.ok && typeof yaml.value === 'object' && yaml.value !== null ? yaml.value : {};
  const root = applyEnvironment(file as Record<string, unknown>, sources.variables).value['workspace_root'];
  if (typeof root !== 'string' || root === '') return reading;
  return { ok: true, workspaceRoot: resolvePath(root, sources) };
}

/** The same for text that has been read already. */
export function parseRunnerConfig(text: string, sources: ConfigSources): ConfigReading {
  const yaml = readYaml(text);
  if (!yaml.ok) return { ok: false, problems: [`${toLinePrefix(yaml.line)}${yaml.message}; mend the YAML`] };
  const file = yaml.value ?? {};
  if (typeof file !== 'object' || Array.isArray(file)) {
    return { ok: false, problems: ['line 1: must be keys with values, such as agent_id: backend-1'] };
  }

  const overridden = applyEnvironment(file as Record<string, unknown>, sources.variables);
  const isGitHub = overridden.value['transport'] === 'github';
  const parsed = (isGitHub ? GitHubRunnerFile : RunnerFile).safeParse(overridden.value);
  if (!parsed.success) {
    const places = { lineOf: yaml.lineOf, variables: overridden.sources };
    return { ok: false, problems: parsed.error.issues.flatMap((issue) => describeIssue(issue, places)) };
  }
  return toConfig(parsed.data, sources);
}

/** One text for people: all problems, and where to go from here. What can't be done because of them, the caller knows. */
export function explainConfigProblems(file: string, problems: readonly string[]): string {
  return [
    `${file} needs a look:`,
    ...problems.map((problem) => `  - ${problem}`),
    'docs/runner.md lists every key, and the environment variables that go before them.',
  ].join('\n');
}

function toConfig(file: RunnerFile | GitHubRunnerFile, sources: ConfigSources): ConfigReading {
  const warnings = findUnknownVariables(sources.variables);
  const agents = file.agents ?? {};
  const workspaceRoot = resolvePath(file.workspace_root, sources);
  const defaultAgents = [...new Set([file.default_agent ?? []].flat())];
  const known = ['claude', ...Object.keys(agents)];
  const unknown = defaultAgents.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const meant = didYouMean(unknown, known);
    return {
      ok: false,
      problems: [
        `default_agent: there is no agent "${unknown}"${meant === null ? `; known here: ${known.join(', ')}` : `; did you mean "${meant}"?`}`,
      ],
    };
  }

  const sandbox = toSandboxSettings(file.sandbox, (folder) => resolvePath(folder, sources));
  const tooMuch = sandbox.readable.find((folder) => isWithin(workspaceRoot, folder));
  if (tooMuch !== undefined) {
    return {
      ok: false,
      problems: [
        `sandbox.readable: ${tooMuch} holds the runner's own state in ${workspaceRoot}; name only the folders that are needed`,
      ],
    };
  }

  return {
    ok: true,
    warnings,
    config: {
      agentId: file.agent_id,
      hostname: file.hostname ?? sources.machine.hostname,
      coordinatorUrl: file.coordinator_url?.replace(/\/+$/, '') ?? '',
      specialties: file.specialties,
      workspaceRoot,
      maxConcurrentTasks: file.max_concurrent_tasks ?? 2,
      keepWorkspacesHours: file.keep_workspaces_hours ?? BUDGETS.keptWorkspaceHours,
      github: {
        token: readToken(file.github?.token ?? null, warnings),
        sshKey: readSshKey(resolveOptional(file.github?.ssh_key, sources), warnings),
      },
      claudeCode: {
        version: file.claude_code?.version ?? 'latest',
        configPath: resolveOptional(file.claude_code?.config_path, sources),
        executable: file.claude_code?.executable ?? null,
      },
      logging: {
        level: file.logging?.level ?? 'info',
        file: resolveOptional(file.logging?.file, sources),
      },
      agents,
      defaultAgents,
      sandbox,
      context: {
        guidanceFolder: resolvePath(file.context?.guidance_folder ?? 'guidance', sources),
        maxTokens: file.context?.max_tokens ?? DEFAULT_PROMPT_TOKENS,
        images: file.context?.images ?? true,
      },
      disk: {
        total: file.disk?.max_gb == null ? null : file.disk.max_gb * GIGABYTE,
        attempt: (file.disk?.attempt_max_gb ?? DEFAULT_ATTEMPT_GB) * GIGABYTE,
      },
      capabilities: {
        extra: file.capabilities?.extra ?? [],
        declared: file.capabilities?.declared ?? null,
      },
      transport: file.transport ?? 'coordinator',
      githubApp: file.transport === 'github' ? toGitHubApp(file, sources) : null,
      health:
        file.health === false
          ? null
          : { host: file.health?.host ?? '127.0.0.1', port: file.health?.port ?? 8000 },
      keyFile:
        resolveOptional(file.key_file, sources) ?? path.join(workspaceRoot, '.yardmaster', 'runner-key.json'),
    },
  };
}

function toGitHubApp(
  { github_app: app }: RunnerFile | GitHubRunnerFile,
  sources: ConfigSources,
): RunnerConfig['githubApp'] {
  // The schema of this transport has it.
  if (app == null) return null;
  return {
    appId: app.app_id,
    privateKeyPath: resolvePath(app.private_key_path, sources),
    runnerId: app.runner_id,
    apiUrl: app.api_url?.replace(/\/+$/, '') ?? 'https://api.github.com',
    pollSeconds: app.poll_seconds ?? DEFAULT_POLL_SECONDS,
  };
}

function readToken(token: string | null, warnings: string[]): string | null {
  if (token === null || !PLACEHOLDER.test(token)) return token;
  warnings.push(
    'github.token is the placeholder of the example and is ignored; the runner gets short-lived tokens from the coordinator, so the key can go',
  );
  return null;
}

function readSshKey(file: string | null, warnings: string[]): string | null {
  if (file === null || existsSync(file)) return file;
  warnings.push(`github.ssh_key: ${file} does not exist and is ignored; remove the key, or mend the path`);
  return null;
}

/** A misspelt variable would otherwise be ignored without a word. */
function findUnknownVariables(variables: EnvironmentVariables): string[] {
  const known = RUNNER_VARIABLES.map(({ name }) => name as string);
  return Object.keys(variables)
    .filter((name) => name.startsWith(RUNNER_VARIABLE_PREFIX) && !known.includes(name))
    .map((name) => {
      const meant = didYouMean(name, known);
      return `${name} is no setting of the runner and is ignored${meant === null ? '' : `; did you mean ${meant}?`}`;
    });
}

function resolveOptional(value: string | null | undefined, sources: ConfigSources): string | null {
  return value == null ? null : resolvePath(value, sources);
}

/** `~` is the home folder; a relative path counts from the folder that runner.yml is in. */
function resolvePath(value: string, { file, machine }: ConfigSources): string {
  const home = value === '~' || value.startsWith('~/');
  return home
    ? path.join(machine.homeFolder, value.slice(1))
    : path.resolve(path.dirname(path.resolve(file)), value);
}
