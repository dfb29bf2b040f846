/** How the text of an environment variable becomes a value of runner.yml. */
type Reading = 'text' | 'number' | 'list';

/** An environment variable that goes before a key of runner.yml. */
export type RunnerVariable = {
  name: `YARDMASTER_RUNNER_${string}`;
  /** The key in runner.yml. */
  key: readonly [string, ...string[]];
  reading: Reading;
};

/** All of them, in the order of the file. Lists are separated by commas. */
export const RUNNER_VARIABLES: readonly RunnerVariable[] = [
  { name: 'YARDMASTER_RUNNER_AGENT_ID', key: ['agent_id'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_HOSTNAME', key: ['hostname'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_COORDINATOR_URL', key: ['coordinator_url'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_SPECIALTIES', key: ['specialties'], reading: 'list' },
  { name: 'YARDMASTER_RUNNER_WORKSPACE_ROOT', key: ['workspace_root'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_MAX_CONCURRENT_TASKS', key: ['max_concurrent_tasks'], reading: 'number' },
  { name: 'YARDMASTER_RUNNER_GITHUB_TOKEN', key: ['github', 'token'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_GITHUB_SSH_KEY', key: ['github', 'ssh_key'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_KEEP_WORKSPACES_HOURS', key: ['keep_workspaces_hours'], reading: 'number' },
  { name: 'YARDMASTER_RUNNER_CLAUDE_CODE_VERSION', key: ['claude_code', 'version'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_CLAUDE_CODE_CONFIG_PATH', key: ['claude_code', 'config_path'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_CLAUDE_CODE_EXECUTABLE', key: ['claude_code', 'executable'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_LOGGING_LEVEL', key: ['logging', 'level'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_LOGGING_FILE', key: ['logging', 'file'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_DEFAULT_AGENT', key: ['default_agent'], reading: 'list' },
  { name: 'YARDMASTER_RUNNER_SANDBOX', key: ['sandbox', 'mode'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_TRANSPORT', key: ['transport'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_GITHUB_APP_ID', key: ['github_app', 'app_id'], reading: 'number' },
  {
    name: 'YARDMASTER_RUNNER_GITHUB_APP_PRIVATE_KEY_PATH',
    key: ['github_app', 'private_key_path'],
    reading: 'text',
  },
  { name: 'YARDMASTER_RUNNER_GITHUB_APP_RUNNER_ID', key: ['github_app', 'runner_id'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_GITHUB_APP_API_URL', key: ['github_app', 'api_url'], reading: 'text' },
  {
    name: 'YARDMASTER_RUNNER_GITHUB_APP_POLL_SECONDS',
    key: ['github_app', 'poll_seconds'],
    reading: 'number',
  },
  { name: 'YARDMASTER_RUNNER_CAPABILITIES_EXTRA', key: ['capabilities', 'extra'], reading: 'list' },
  { name: 'YARDMASTER_RUNNER_CAPABILITIES_DECLARED', key: ['capabilities', 'declared'], reading: 'list' },
  { name: 'YARDMASTER_RUNNER_HEALTH_HOST', key: ['health', 'host'], reading: 'text' },
  { name: 'YARDMASTER_RUNNER_HEALTH_PORT', key: ['health', 'port'], reading: 'number' },
  { name: 'YARDMASTER_RUNNER_KEY_FILE', key: ['key_file'], reading: 'text' },
];

export const RUNNER_VARIABLE_PREFIX = 'YARDMASTER_RUNNER_';

/** Environment variables as a process has them. Empty ones count as not set. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/**
 * `file` with the variables put over it. Also says which variable each overridden key came from, so that a problem can name the
 * variable instead of a line of the file.
 */
export function applyEnvironment(
  file: Readonly<Record<string, unknown>>,
  variables: EnvironmentVariables,
): { value: Record<string, unknown>; sources: Map<string, string> } {
  const value: Record<string, unknown> = { ...file };
  const sources = new Map<string, string>();
  for (const { name, key, reading } of RUNNER_VARIABLES) {
    const text = variables[name];
    if (text === undefined || text === '') continue;
    sources.set(key.join('.'), name);
    const [first, second] = key;
    if (second === undefined) {
      value[first] = toValue(text, reading);
    } else {
      const section = value[first];
      value[first] = {
        ...(typeof section === 'object' && section !== null ? section : {}),
        [second]: toValue(text, reading),
      };
    }
  }
  return { value, sources };
}

/** A number that isn't one stays text, so that the schema complains about it. */
function toValue(text: string, reading: Reading): unknown {
  switch (reading) {
    case 'text':
      return text;
    case 'number':
      return Number.isNaN(Number(text)) ? text : Number(text);
    case 'list':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    default:
      return reading satisfies never;
  }
}
