import { z } from 'zod';
import { Capability, RunnerId, Specialty } from '../contract/identifiers.ts';
import { RunnerFacts } from '../contract/runner-api.ts';
import { LOG_LEVELS, type LogLevel } from '../lib/logger.ts';
import { AgentsConfig } from './agents/agents-config.ts';
import { LEAST_PROMPT_TOKENS } from './context/build-prompt.ts';
import { SandboxFile } from './sandbox/sandbox-settings.ts';

const AGENTS_HINT = 'must be the name of an agent, or a list of 1 to 5 of them';

/** Names that other programs use for our log levels. */
const OTHER_LEVEL_NAMES: Readonly<Record<string, LogLevel>> = {
  warning: 'warn',
  critical: 'fatal',
  off: 'silent',
  none: 'silent',
};

const Level = z.string('must be a level such as INFO').transform((name, context): LogLevel => {
  const lower = name.toLowerCase();
  const level = OTHER_LEVEL_NAMES[lower] ?? LOG_LEVELS.find((known) => known === lower);
  if (level !== undefined) return level;
  context.addIssue({
    code: 'custom',
    message: `"${name}" is no level; use one of ${LOG_LEVELS.join(', ')}`,
    input: name,
  });
  return z.NEVER;
});

const CoordinatorUrl = z
  .url({
    protocol: /^https?$/,
    error: 'must be the address of the coordinator, such as http://192.168.1.10:8080',
  })
  .refine((url) => !url.includes('@'), 'must not hold a user name or password');

function gigabytes(): z.ZodOptional<z.ZodNullable<z.ZodNumber>> {
  return z
    .number('must be a number of gigabytes, such as 200')
    .positive('must be more than 0')
    .max(1_000_000, 'must be at most 1000000')
    .nullish();
}

function text(example: string): z.ZodString {
  const message = `must be text, such as ${example}`;
  return z.string(message).min(1, message);
}

const GitHubApp = z.strictObject({
  app_id: z
    .int('must be the numeric App ID from the App’s settings page (not the client id)')
    .positive('must be the numeric App ID from the App’s settings page'),
  private_key_path: text('/etc/yardmaster/app.pem'),
  runner_id: z
    .string('is missing: what “yardmaster runner enroll-github” printed on the coordinator’s machine')
    .refine(
      (id) => RunnerId.safeParse(id).success,
      'must be the id that “yardmaster runner enroll-github” printed on the coordinator’s machine',
    )
    .transform((id) => RunnerId.parse(id)),
  api_url: z
    .url({
      protocol: /^https?$/,
      error: 'must be the REST root of your GitHub, such as https://api.github.com',
    })
    .nullish(),
  poll_seconds: z
    .number('must be a number of seconds, such as 30')
    .positive('must be more than 0')
    .max(3600, 'must be at most 3600')
    .nullish(),
});

/** runner.yml as people write it; a key without a value counts as absent. Paths are still as written. */
export const RunnerFile = z.strictObject({
  agent_id: z
    .string('is missing: a name for this runner, such as backend-1')
    .refine(
      (name) => RunnerFacts.shape.name.safeParse(name).success,
      'must be 1 to 100 of letters, digits, . _ - and start with a letter or digit',
    ),
  hostname: text('backend-pc').max(255).nullish(),
  coordinator_url: z
    .string('is missing: the address of the coordinator, such as http://192.168.1.10:8080')
    .pipe(CoordinatorUrl),
  specialties: z
    .array(Specialty, 'is missing: a list of what this machine is for, such as [backend, python]')
    .min(1, 'must name at least one specialty, such as backend')
    .max(50),
  workspace_root: z
    .string('is missing: a folder of its own for clones and workspaces, such as /var/lib/yardmaster')
    .min(1, 'must be a folder, such as /var/lib/yardmaster'),
  max_concurrent_tasks: z
    .int('must be a whole number from 1 to 100')
    .min(1, 'must be at least 1')
    .max(100, 'must be at most 100')
    .nullish(),
  keep_workspaces_hours: z
    .number('must be a number of hours, such as 72, or 0')
    .min(0, 'must be at least 0')
    .max(720, 'must be at most 720')
    .nullish(),
  github: z
    .strictObject({ token: text('a token').nullish(), ssh_key: text('~/.ssh/id_ed25519').nullish() })
    .nullish(),
  claude_code: z
    .strictObject({
      version: text('latest').nullish(),
      config_path: text('~/.claude').nullish(),
      executable: text('/usr/local/bin/claude').nullish(),
    })
    .nullish(),
  logging: z
    .strictObject({ level: Level.nullish(), file: text('/var/log/yardmaster/runner.log').nullish() })
    .nullish(),
  context: z
    .strictObject({
      guidance_folder: text('./guidance').nullish(),
      max_tokens: z
        .int(`must be a whole number from ${LEAST_PROMPT_TOKENS} to 500000`)
        .min(LEAST_PROMPT_TOKENS, `must be at least ${LEAST_PROMPT_TOKENS}`)
        .max(500_000, 'must be at most 500000')
        .nullish(),
      images: z.boolean('must be true or false').nullish(),
    })
    .nullish(),
  agents: AgentsConfig.nullish(),
  default_agent: z
    .union([text('claude'), z.array(text('claude')).min(1, AGENTS_HINT).max(5, AGENTS_HINT)], AGENTS_HINT)
    .nullish(),
  sandbox: SandboxFile.nullish(),
  disk: z.strictObject({ max_gb: gigabytes(), attempt_max_gb: gigabytes() }).nullish(),
  capabilities: z
    .strictObject({
      extra: z.array(Capability, 'must be a list, such as [gpu, "node:22"]').max(100).nullish(),
      declared: z.array(Capability, 'must be a list, such as [gpu, "node:22"]').max(150).nullish(),
    })
    .nullish(),
  transport: z.enum(['coordinator', 'github'], 'must be coordinator or github').nullish(),
  github_app: GitHubApp.nullish(),
  health: z
    .union(
      [
        z.literal(false),
        z.strictObject({
          host: text('127.0.0.1').nullish(),
          port: z.int('must be a port, 0 to 65535').min(0).max(65_535).nullish(),
        }),
      ],
      'must be false, or a host and a port',
    )
    .nullish(),
  key_file: text('/etc/yardmaster/runner-key.json').nullish(),
});
export type RunnerFile = z.infer<typeof RunnerFile>;

/** The same for a runner that never speaks to a coordinator. */
export const GitHubRunnerFile = RunnerFile.extend({
  coordinator_url: RunnerFile.shape.coordinator_url.nullish(),
  transport: z.literal('github'),
  github_app: z.preprocess((value) => value ?? undefined, GitHubApp),
});
export type GitHubRunnerFile = z.infer<typeof GitHubRunnerFile>;
