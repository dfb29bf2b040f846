import { z } from 'zod';
import { MODEL_API_NAMES } from '../sandbox/model-apis.ts';

/** Name of an agent in `runner.yml`, by which repositories ask for it. */
const AgentName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.-]{0,49}$/, 'must be 1 to 50 of a-z 0-9 . _ - and start with a letter or digit');

/** A relative path would be looked up in the workspace, where the repository decides what it is. */
const Executable = z
  .string()
  .regex(/^(?:\/.+|[^/]+)$/, 'must be the name of a program on the PATH, or an absolute path');

const Environment = z.record(z.string().regex(/^[A-Za-z_]\w*$/, 'must be a variable name'), z.string());

/** Whether the agent has the runner's network inside its sandbox; otherwise none, but for Claude Code its model. */
const Network = z.boolean('must be true or false').optional();

/** Claude Code. `env` is given to it as it is; `model` is used when the repository asks for none. */
const ClaudeAgentConfig = z.strictObject({
  kind: z.literal('claude'),
  executable: Executable.optional(),
  env: Environment.default({}),
  model: z.string().min(1).optional(),
  network: Network,
});

/** Any other program: the prompt on stdin, the workspace as working directory, exit code 0 for success. */
const CommandAgentConfig = z.strictObject({
  kind: z.literal('command'),
  command: z.tuple([Executable], z.string()),
  env: Environment.default({}),
  network: Network,
});

const UsdPerMillion = z.number('must be US dollars for a million tokens').nonnegative('must not be negative');

/** What the model costs, where it is not known: without it the cost of such an agent is unknown. */
const Price = z.strictObject({
  input: UsdPerMillion,
  output: UsdPerMillion,
  cached_input: UsdPerMillion.optional(),
});

const HEADLESS = {
  executable: Executable.optional(),
  /** `latest`, or the version (or its beginning) that must be installed. */
  version: z.string().min(1).optional(),
  env: Environment.default({}),
  model: z.string().min(1).optional(),
  price: Price.optional(),
  network: Network,
};

/** OpenAI's Codex. */
const CodexAgentConfig = z.strictObject({ kind: z.literal('codex'), ...HEADLESS });

/** Google's Gemini CLI. */
const GeminiAgentConfig = z.strictObject({ kind: z.literal('gemini'), ...HEADLESS });

/** Who serves the model. */
const ModelApi = z.enum(MODEL_API_NAMES, `must be one of ${MODEL_API_NAMES.join(', ')}`);

/** opencode, with the models of one service. */
const OpencodeAgentConfig = z.strictObject({
  kind: z.literal('opencode'),
  ...HEADLESS,
  api: ModelApi.default('anthropic'),
});

/**
 * Any program that speaks the Agent Client Protocol. With `api` it reaches that service through the gateway, by the usual variables, or
 * by its own, in whose values `{model_url}` and `{model_token}` stand for it.
 */
const AcpAgentConfig = z.strictObject({
  kind: z.literal('acp'),
  command: z.tuple([Executable], z.string()),
  api: ModelApi.optional(),
  env: Environment.default({}),
  model: z.string().min(1).optional(),
  price: Price.optional(),
  network: Network,
});

/** `agents:` of `runner.yml`. */
export const AgentsConfig = z.record(
  AgentName,
  z.discriminatedUnion(
    'kind',
    [
      ClaudeAgentConfig,
      CommandAgentConfig,
      CodexAgentConfig,
      GeminiAgentConfig,
      OpencodeAgentConfig,
      AcpAgentConfig,
    ],
    {
      error: (issue) =>
        issue.code === 'invalid_union'
          ? 'must be claude, codex, gemini, opencode, acp or command'
          : 'must be a map with its kind, such as { kind: codex }',
    },
  ),
);
export type AgentsConfig = z.infer<typeof AgentsConfig>;

/** `claude_code:` of `runner.yml`: the agent named `claude`, unless `agents:` has one of that name. */
export type ClaudeCodeSettings = {
  /** `latest` takes what is installed; otherwise a version, or the beginning of one (`2.1`). */
  version: string;
  /** Folder of a Claude Code that is logged in (`~/.claude`): only its access token is used. */
  configPath: string | null;
  /** `null` = `claude` on the PATH. */
  executable: string | null;
};
