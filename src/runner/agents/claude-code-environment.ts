import { join } from 'node:path';
import { agentEnvironment, pickVariables } from './agent-environment.ts';
import type { MachineEnv } from './agent-environment.ts';

/** Below the agent's folder: where it has all its files, in place of `~/.claude` and `~/.claude.json`. */
export const CLAUDE_FOLDER = '.claude';

/** What pays for the model, in the order in which Claude Code prefers them. */
export const CREDENTIAL_VARIABLES = [
  'ANTHROPIC_AUTH_TOKEN',
  'ANTHROPIC_API_KEY',
  'CLAUDE_CODE_OAUTH_TOKEN',
] as const;

/** Credentials, and where they are sent: they belong together. */
export const ACCOUNT_VARIABLES: readonly string[] = [
  ...CREDENTIAL_VARIABLES,
  'ANTHROPIC_BASE_URL',
  'ANTHROPIC_UNIX_SOCKET',
];

/** Who else pays: then no credential of ours is needed. */
const CLOUD_VARIABLES = ['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX', 'CLAUDE_CODE_USE_FOUNDRY'];

/** What an operator may change: how patient it is. */
const DEFAULTS = {
  CLAUDE_CODE_MAX_RETRIES: '4',
  API_TIMEOUT_MS: '600000',
  BASH_DEFAULT_TIMEOUT_MS: '120000',
};

/** What nobody may change: no traffic but to the model, no files drawn in by the prompt, nothing left running. */
const FIXED = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  CLAUDE_CODE_DISABLE_ATTACHMENTS: '1',
  CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
  CLAUDE_CODE_DISABLE_CLAUDE_MDS: '1',
  CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
  CLAUDE_CODE_DISABLE_CRON: '1',
  DISABLE_AUTOUPDATER: '1',
};

/** Who pays for this agent. */
export type ClaudeAccount = {
  /** Variables for the agent: at most credentials and where to send them. */
  env: Record<string, string>;
  /** Nobody: not configured, not in the runner's environment, not in the folder of a login. */
  missing: boolean;
};

/**
 * The credentials for an agent. If the agent's own `env` names any, or another place to send them to, the runner's are
 * left out altogether, so that no key reaches a server that it was not meant for. `loginToken` is the access token of
 * a logged-in Claude Code, for when there is nothing else.
 */
export function claudeAccount(options: {
  env: Readonly<Record<string, string>>;
  machineEnv: MachineEnv;
  loginToken: string | null;
}): ClaudeAccount {
  const configured = pickVariables(options.env, ACCOUNT_VARIABLES);
  const source =
    Object.keys(configured).length > 0 ? configured : pickVariables(options.machineEnv, ACCOUNT_VARIABLES);
  const env = { ...source };
  const isPaidFor = (): boolean => CREDENTIAL_VARIABLES.some((name) => (env[name] ?? '') !== '');
  if (!isPaidFor() && options.loginToken !== null && env['ANTHROPIC_BASE_URL'] === undefined) {
    env['CLAUDE_CODE_OAUTH_TOKEN'] = options.loginToken;
  }
  const cloud = CLOUD_VARIABLES.some((name) => options.env[name] !== undefined);
  return { env, missing: !cloud && !isPaidFor() };
}

/**
 * The whole environment of a run. `CLAUDECODE*` and `CLAUDE_CODE_*` of the runner's own environment never get here:
 * they would tie the agent to a session that the runner happens to run in.
 */
export function claudeEnvironment(options: {
  machineEnv: MachineEnv;
  /** `env` of the agent's configuration. */
  env: Readonly<Record<string, string>>;
  account: ClaudeAccount;
  homeFolder: string;
  tempFolder: string;
  agentFolder: string;
  idleMs: number;
}): Record<string, string> {
  const base = agentEnvironment(options.machineEnv, options);
  return {
    ...base,
    ...DEFAULTS,
    // A command that is silent for long must end before the silence ends the run.
    BASH_MAX_TIMEOUT_MS: String(Math.max(1000, Math.min(600_000, Math.floor(options.idleMs * 0.8)))),
    ...options.env,
    ...options.account.env,
    ...FIXED,
    HOME: base['HOME'] ?? options.homeFolder,
    TMPDIR: base['TMPDIR'] ?? options.tempFolder,
    CLAUDE_CONFIG_DIR: join(options.agentFolder, CLAUDE_FOLDER),
  };
}
