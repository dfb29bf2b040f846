import { createPrivateKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { getPrivateKey } from '@probot/get-private-key';
import { z } from 'zod';
import { BUDGETS } from './domain/timings.ts';
import { LOG_LEVELS } from './lib/logger.ts';

const APP_ID_RULE = 'must be the numeric App ID from the App’s settings page (not the client id)';
const SPACING_RULE = 'must be a whole number of milliseconds from 0 to 60000';
const DAYS_RULE = 'must be a whole number of days from 1 to 3650';
const PORT_RULE = 'must be a port: a whole number from 0 (any free one) to 65535';

/** Everything the coordinator can be told, by environment variables alone. `.env.example` lists the same names. */
const Environment = z.object({
  APP_ID: z.coerce.number(APP_ID_RULE).int(APP_ID_RULE).positive(APP_ID_RULE),
  PRIVATE_KEY: z.string().optional(),
  PRIVATE_KEY_PATH: z.string().optional(),
  WEBHOOK_SECRET: z
    .string('is missing: without a secret anybody could send webhooks. Set the one you gave GitHub')
    .min(16, 'is too short: use 16 characters or more, e.g. from `openssl rand -hex 32`')
    .refine((secret) => secret !== 'development', 'must not be the well-known “development”'),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number(PORT_RULE).int(PORT_RULE).min(0, PORT_RULE).max(65_535, PORT_RULE).default(8080),
  PUBLIC_URL: z.url('must be an absolute URL, such as https://yardmaster.example.com').optional(),
  DATA_FOLDER: z.string().default('./data'),
  DATABASE_URL: z
    .url({
      protocol: /^postgres(?:ql)?$/,
      error:
        'must be the URL of a PostgreSQL database, such as postgres://yardmaster:password@db.example.com/yardmaster',
    })
    .optional(),
  REDIS_URL: z
    .url({
      protocol: /^rediss?$/,
      error: 'must be the URL of a Redis server, such as redis://:password@redis.example.com:6379',
    })
    .optional(),
  KEEP_LOGS_DAYS: z.coerce
    .number(DAYS_RULE)
    .int(DAYS_RULE)
    .min(1, DAYS_RULE)
    .max(3650, DAYS_RULE)
    .default(BUDGETS.keptLogDays),
  METRICS_TOKEN: z
    .string()
    .min(16, 'is too short: use 16 characters or more, e.g. from `openssl rand -hex 32`')
    .optional(),
  GITHUB_API_URL: z.url('must be an absolute URL, such as https://api.github.com').optional(),
  GHE_HOST: z
    .string()
    .regex(/^[A-Za-z0-9.-]+(?::\d+)?$/, 'must be a host name without https:// or path')
    .optional(),
  GHE_PROTOCOL: z.enum(['https', 'http'], 'must be https or http').default('https'),
  GITHUB_WRITE_SPACING_MS: toSpacing(1000),
  GITHUB_COMMENT_SPACING_MS: toSpacing(3000),
  WEBHOOK_PROXY_URL: z.url('must be the channel URL of your smee server').optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).default('info'),
  LOG_FORMAT: z.enum(['pretty', 'json'], 'must be pretty or json').optional(),
});

function toSpacing(defaultMs: number) {
  return z.coerce
    .number(SPACING_RULE)
    .int(SPACING_RULE)
    .min(0, SPACING_RULE)
    .max(60_000, SPACING_RULE)
    .default(defaultMs);
}

/** Names of all environment variables that the coordinator reads. */
export const ENVIRONMENT_NAMES = Object.keys(Environment.shape);

/** How the coordinator is set up, checked and complete. */
export type Config = {
  appId: number;
  /** PEM. */
  privateKey: string;
  webhookSecret: string;
  host: string;
  /** 0 = any free port. */
  port: number;
  /** Under which people and runners reach it; `null` = unknown. */
  publicUrl: string | null;
  dataFolder: string;
  /** The PostgreSQL that several coordinators share, with its password; `null` = the embedded store in the data folder. */
  databaseUrl: string | null;
  /** The Redis in which several coordinators share GitHub's limits, with its password; `null` = in the store. */
  redisUrl: string | null;
  /** How long the log of an attempt that has ended is kept in the store. */
  keepLogsDays: number;
  /** What a scraper of `/metrics` has to show; `null` = they are not served. */
  metricsToken: string | null;
  /** REST root without a slash at the end. */
  githubApiUrl: string;
  limits: {
    /** Least time between two writes of one installation, and between two that notify people. */
    writeSpacingMs: number;
    notificationSpacingMs: number;
  };
  webhookProxyUrl: string | null;
  log: { level: (typeof LOG_LEVELS)[number]; format: 'pretty' | 'json' };
};

/** Environment variables as a process has them. Empty ones count as not set. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/**
 * Environment → Config, or every problem at once, each naming the variable and the fix. `flags`: the flags of the command line that some
 * variables come from. Reads the private key's file when one is named; nothing else is touched.
 */
export function readConfig(
  variables: EnvironmentVariables,
  terminal: { isTTY: boolean },
  flags: Readonly<Record<string, string>> = {},
): { ok: true; config: Config } | { ok: false; problems: string[] } {
  const given = Object.fromEntries(
    Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = Environment.safeParse(given);
  const key = readPrivateKey(given);
  const toName = (name: string): string => (flags[name] === undefined ? name : `${flags[name]} (${name})`);
  const problems = [
    ...(parsed.error?.issues ?? []).map(
      (issue) => `${toName(String(issue.path[0]))} ${explain(issue, given)}`,
    ),
    ...(key.ok ? [] : [key.problem]),
  ];
  if (!parsed.success || !key.ok) return { ok: false, problems };

  const environment = parsed.data;
  return {
    ok: true,
    config: {
      appId: environment.APP_ID,
      privateKey: key.privateKey,
      webhookSecret: environment.WEBHOOK_SECRET,
      host: environment.HOST,
      port: environment.PORT,
      publicUrl: environment.PUBLIC_URL?.replace(/\/+$/, '') ?? null,
      dataFolder: path.resolve(environment.DATA_FOLDER),
      databaseUrl: environment.DATABASE_URL ?? null,
      redisUrl: environment.REDIS_URL ?? null,
      keepLogsDays: environment.KEEP_LOGS_DAYS,
      metricsToken: environment.METRICS_TOKEN ?? null,
      githubApiUrl: toApiUrl(environment),
      limits: {
        writeSpacingMs: environment.GITHUB_WRITE_SPACING_MS,
        notificationSpacingMs: environment.GITHUB_COMMENT_SPACING_MS,
      },
      webhookProxyUrl: environment.WEBHOOK_PROXY_URL ?? null,
      log: {
        level: environment.LOG_LEVEL,
        format: environment.LOG_FORMAT ?? (terminal.isTTY ? 'pretty' : 'json'),
      },
    },
  };
}

/** What must never be seen in a log. */
export function secretsOf(config: Config): string[] {
  const { privateKey, webhookSecret, metricsToken, databaseUrl, redisUrl } = config;
  const passwords = [databaseUrl, redisUrl].flatMap((url) => (url === null ? [] : passwordsIn(new URL(url))));
  return [privateKey, webhookSecret, ...(metricsToken === null ? [] : [metricsToken]), ...passwords];
}

function passwordsIn({ password, searchParams }: URL): string[] {
  return [password, decodeURIComponent(password), searchParams.get('password') ?? ''];
}

/** One text for people: all problems, and where to go from here. */
export function explainProblems(problems: readonly string[]): string {
  return [
    'The coordinator can’t start; these settings need a look:',
    ...problems.map((problem) => `  - ${problem}`),
    'Settings come from the environment or from a file .env in the current folder; .env.example lists them all.',
  ].join('\n');
}

function explain(issue: z.core.$ZodIssue, given: Record<string, unknown>): string {
  const name = String(issue.path[0]);
  if (name === 'APP_ID' && given[name] === undefined)
    return 'is missing: the number is on the App’s settings page';
  return issue.message;
}

function readPrivateKey(
  given: Record<string, string | undefined>,
): { ok: true; privateKey: string } | { ok: false; problem: string } {
  const { PRIVATE_KEY, PRIVATE_KEY_PATH } = given;
  if (PRIVATE_KEY === undefined && PRIVATE_KEY_PATH === undefined) {
    return {
      ok: false,
      problem:
        'PRIVATE_KEY_PATH is missing: the path of the .pem file that GitHub gave you (or its text in PRIVATE_KEY)',
    };
  }
  if (PRIVATE_KEY === undefined && PRIVATE_KEY_PATH !== undefined && !existsSync(PRIVATE_KEY_PATH)) {
    return { ok: false, problem: `PRIVATE_KEY_PATH: there is no file ${path.resolve(PRIVATE_KEY_PATH)}` };
  }
  try {
    const privateKey =
      PRIVATE_KEY === undefined
        ? getPrivateKey({ filepath: PRIVATE_KEY_PATH ?? '', env: {} })
        : getPrivateKey({ env: { PRIVATE_KEY } });
    // Looks into it: a file that merely begins like a key would be found out by the first job.
    if (privateKey !== null && createPrivateKey(privateKey).asymmetricKeyType === 'rsa') {
      return { ok: true, privateKey };
    }
  } catch {
    // The reason may quote the key's text; the message below says all that is safe to say.
  }
  const name = PRIVATE_KEY === undefined ? 'PRIVATE_KEY_PATH' : 'PRIVATE_KEY';
  return {
    ok: false,
    problem: `${name} does not lead to an RSA private key in PEM format: download a new one on the App’s settings page`,
  };
}

/** github.com, a GitHub Enterprise Server (`HOST/api/v3`), or a data-residency tenant (`api.SUB.ghe.com`). */
function toApiUrl(environment: {
  GITHUB_API_URL?: string | undefined;
  GHE_HOST?: string | undefined;
  GHE_PROTOCOL: string;
}): string {
  if (environment.GITHUB_API_URL !== undefined) return environment.GITHUB_API_URL.replace(/\/+$/, '');
  if (environment.GHE_HOST === undefined) return 'https://api.github.com';
  const host = environment.GHE_HOST.toLowerCase();
  if (host.endsWith('.ghe.com')) return `https://api.${host.replace(/^api\./, '')}`;
  return `${environment.GHE_PROTOCOL}://${host}/api/v3`;
}
