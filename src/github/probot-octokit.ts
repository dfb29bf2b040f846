import type { ThrottlingOptions } from '@octokit/plugin-throttling';
import { RequestError } from '@octokit/request-error';
import { Probot, ProbotOctokit } from 'probot';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { SharedLimits } from './shared-limits.ts';
import { createTokenCache } from './token-cache.ts';
import { createWriteBudget, type WriteBudget } from './write-budget.ts';
import { createWriteSpacing, type WriteSpacing } from './write-spacing.ts';

/** GitHub's client, with everything that Probot adds. */
export type Octokit = ProbotOctokit;

/** The version of the REST API that we are written for; without the header GitHub chooses. */
const API_VERSION = '2022-11-28';
const REQUEST_TIMEOUT_MS = 30_000;
/** Repeating these can't help, or is not for a handler to wait for: limits may last an hour. */
const NEVER_REPEATED = [400, 401, 403, 404, 409, 410, 422, 429, 451];
/** For requests that may safely be repeated, after 1 and 4 seconds. Creates set 0. */
const REPEATS = 2;

/** GitHub allows 500 an hour that create content; the rest is left to others under the same installation. */
const WRITES_PER_HOUR = 400;
/** The limiter of the App itself, beside those of its installations. */
const APP_KEY = 'app';

export type OctokitFactory = {
  /** For `load` and `receive`. Its own middleware is not to be served: the inbox verifies webhooks. */
  probot: Probot;
  /** Acts as the installation; the same client each time. Its `graphql` is for questions: nothing that it sends is counted or spaced as a write. */
  octokitFor(installationId: number): Promise<Octokit>;
  /** Acts as the App itself. */
  appOctokit(): Promise<Octokit>;
};

export type OctokitLimits = {
  /** Between two writes of one installation; GitHub asks for 1000 ms. */
  writeSpacingMs: number;
  /** Between two writes of one installation that notify people. */
  notificationSpacingMs: number;
  /** Most writes of one installation in any hour; 400 unless said otherwise. */
  writesPerHour?: number;
  /** Off only where nothing real is on the other side. */
  enabled: boolean;
};

/**
 * Clients for GitHub through Probot, one limiter for each installation: what one installation writes does not hold up
 * another. Limits are never waited out in here; they come back as errors, for the outbox to come again later.
 */
export function createOctokitFactory(deps: {
  appId: number;
  /** PEM. */
  privateKey: string;
  webhookSecret: string;
  /** REST root without a slash at the end. */
  baseUrl: string;
  log: Logger;
  limits: OctokitLimits;
  clock: Clock;
  /** Agrees on the limits with other coordinators. */
  sharedLimits?: SharedLimits | undefined;
  fetch?: typeof fetch;
}): OctokitFactory {
  const { appId, privateKey, webhookSecret, baseUrl, log, limits, clock } = deps;
  const tokens = createTokenCache(clock);
  const { sharedLimits } = deps;
  const inCommon = (name: string) => sharedLimits && { limits: sharedLimits, name };
  const budget = createWriteBudget({
    perHour: limits.writesPerHour ?? WRITES_PER_HOUR,
    clock,
    shared: sharedLimits,
  });
  const spacing = {
    write: withBudget(
      createWriteSpacing({ spacingMs: limits.writeSpacingMs, clock, shared: inCommon('write') }),
      budget,
    ),
    notifications: createWriteSpacing({
      spacingMs: limits.notificationSpacingMs,
      clock,
      shared: inCommon('notification'),
    }),
  };

  const Octokit = withLimits(spacing);
  // The limiter takes whatever is no GET for a write, and GraphQL is always POST.
  const Questioner = withLimits({ write: UNSPACED, notifications: UNSPACED });
  const probot = new Probot({
    appId,
    privateKey,
    secret: webhookSecret,
    baseUrl,
    log,
    Octokit,
    request: { fetch: withTimeout(deps.fetch ?? ((...given) => fetch(...given))) },
  });
  const clients = new Map<number, Promise<Octokit>>();

  return { probot, octokitFor, appOctokit: () => probot.auth() };

  async function octokitFor(installationId: number): Promise<Octokit> {
    const known = clients.get(installationId) ?? createClient(installationId);
    clients.set(installationId, known);
    return known;
  }

  async function createClient(installationId: number): Promise<Octokit> {
    const octokit = await probot.auth(installationId);
    renewDeadTokens(octokit, installationId);
    const app = await probot.auth();
    const questioner = (await app.auth({
      type: 'installation',
      installationId,
      factory: ({ octokitOptions: options }: { octokitOptions: ProbotOptions }) =>
        new Questioner({ ...options, auth: { ...options.auth, installationId } }),
    })) as Octokit;
    renewDeadTokens(questioner, installationId);
    return Object.assign(octokit, { graphql: questioner.graphql });
  }

  function renewDeadTokens(octokit: Octokit, installationId: number): void {
    octokit.hook.wrap('request', async (request, options) => {
      try {
        return await request(options);
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        const isLacking = error.status === 403 && LACKING.test(error.message);
        if (error.status === 401 || isLacking) tokens.forget(installationId);
        if (!isLacking) throw error;
        // A token keeps the permissions that it was minted with: one that was granted meanwhile is in the next. Nothing was done so far.
        return request(options);
      }
    });
  }

  /** Without a base URL of its own, `auth()` would send the App's JWT to api.github.com, whatever server the App is of. */
  function toAuth(auth: AuthOptions): AuthOptions {
    return { ...auth, cache: tokens, request: auth.request.defaults({ baseUrl }) };
  }

  function withLimits(writes: Writes) {
    // The function form: Probot overrides an object's `throttle`, and its own would be one limiter for all installations.
    return ProbotOctokit.plugin(sendApiVersion).defaults((options: GivenOptions) => ({
      ...options,
      auth: toAuth(options.auth),
      throttle: toThrottle(options, writes),
      retry: { doNotRetry: NEVER_REPEATED, retries: REPEATS },
    }));
  }

  /** The plugin's own types want whole Bottleneck groups; it uses no more of them than `WriteSpacing` has. */
  function toThrottle({ auth, throttle }: GivenOptions, writes: Writes) {
    const own = {
      enabled: limits.enabled,
      id: auth.installationId === undefined ? APP_KEY : String(auth.installationId),
      onRateLimit: () => false,
      onSecondaryRateLimit: () => false,
    } satisfies ThrottlingOptions;
    return { ...throttle, ...writes, ...own };
  }
}

type Writes = { write: WriteSpacing; notifications: WriteSpacing };

const UNSPACED: WriteSpacing = { key: () => ({ schedule: (_options, task) => task() }) };

const LACKING = /not accessible by integration/i;

/** A client for one token, or for nobody: no limiter, no repetitions. */
export function createTokenOctokit(deps: { baseUrl: string; token: string | null; log: Logger }): Octokit {
  const Octokit = ProbotOctokit.plugin(sendApiVersion);
  return new Octokit({
    baseUrl: deps.baseUrl,
    log: deps.log,
    throttle: { enabled: false },
    retry: { enabled: false },
    request: { fetch: withTimeout((...given) => fetch(...given)) },
    ...(deps.token !== null && { auth: { token: deps.token } }),
  });
}

/** What the App does in its own name (tokens, above all) creates no content. A repetition has been counted already. */
function withBudget(spacing: WriteSpacing, budget: WriteBudget): WriteSpacing {
  return {
    key: (id) => ({
      async schedule(options, task) {
        if (id !== APP_KEY && (options.weight ?? 1) > 0) await budget.take(id);
        return spacing.key(id).schedule(options, task);
      },
    }),
  };
}

type ProbotOptions = NonNullable<ConstructorParameters<typeof ProbotOctokit>[0]>;
/** What Probot sets of a client's options. Octokit itself types `auth` as `any`. */
type GivenOptions = { auth: AuthOptions; throttle?: object };
type AuthOptions = { installationId?: number; request: AuthRequest; [option: string]: unknown };
type AuthRequest = { defaults(options: { baseUrl: string }): AuthRequest };

function sendApiVersion(octokit: { hook: { before(name: 'request', hook: BeforeHook): void } }): void {
  octokit.hook.before('request', ({ headers }) => {
    headers['x-github-api-version'] = API_VERSION;
  });
}
type BeforeHook = (options: { headers: Record<string, unknown> }) => void;

/** `fetch` itself waits for ever. */
function withTimeout(request: typeof fetch): typeof fetch {
  return (input, init) => {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const signal = init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
    return request(input, { ...init, signal });
  };
}
