import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAppRegistration, type AppChoice } from './app-registration.ts';
import { buildSite } from './build-site.ts';
import { createGit } from './git/run-git.ts';
import { createSmartHttp, isGitPath } from './git/smart-http.ts';
import { createExchangeLog, type Exchange } from './http/exchange-log.ts';
import { createFaults, type FaultPlan } from './http/faults.ts';
import { listenOnLoopback } from './http/listen.ts';
import { createRestHandler } from './http/rest-handler.ts';
import { createRouter } from './http/router.ts';
import { allRoutes } from './routes/routes.ts';
import type { SentWebhook } from './webhooks/delivery.ts';
import { createWebhookFaults } from './webhooks/webhook-faults.ts';
import { appCredentials, createOwnerControls } from './website/owner.ts';
import { createOtherApp } from './website/other-app.ts';
import { createPages } from './website/pages.ts';
import { createPerson, type Person } from './website/person.ts';
import { createStateView } from './website/state-view.ts';
import { createWorld, fullNameOf } from './world.ts';

export type StandinOptions = {
  /** Drives expiry, rate limits and all times in answers; the system's by default. */
  clock?: { nowMs(): number };
  /** Any free one by default. */
  port?: number;
  /** Where the git repositories go. By default a temporary folder, which `close` removes. */
  dataFolder?: string;
  /** The App that is registered here. */
  app?: AppChoice;
  /** 5000 by default, as for a small installation. */
  rateLimitPerHour?: number;
  /** How long installation tokens live; one hour by default, as on GitHub. */
  tokenLifeMs?: number;
  onExchange?(exchange: Exchange): void;
  onWebhook?(webhook: SentWebhook): void;
};

const prefix = '/api/v3';
/** Beside REST under its prefix, as on a GitHub Enterprise Server. */
const graphqlPath = '/api/graphql';
/** First segments of REST paths; everything else at the root is a page or git. */
const restRoots = new Set([
  'app',
  'app-manifests',
  'apps',
  'graphql',
  'installation',
  'meta',
  'orgs',
  'rate_limit',
  'repos',
  'repositories',
  'user',
  'users',
]);

/**
 * Starts a GitHub of our own on loopback: REST at the root and under `/api/v3`, git over HTTP, signed
 * webhooks, plain pages, one registered App, and controls for what people do on the website. Real bare git
 * repositories are the only truth about refs, commits and files. Nothing of it outlives `close`.
 */
export async function createGitHubStandin(options: StandinOptions = {}) {
  const clock = options.clock ?? { nowMs: () => Date.now() };
  const dataFolder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'github-standin-')));
  const stopping = new AbortController();
  const git = createGit();
  const faults = createFaults();
  const webhookFaults = createWebhookFaults();
  const exchanges = createExchangeLog(options.onExchange?.bind(options));

  const world = createWorld();
  const app = await createAppRegistration({ world, clock }, options.app);
  const server = await listenOnLoopback(options.port ?? 0);
  const links = { web: server.origin, api: `${server.origin}${prefix}` };
  const site = buildSite({
    clock,
    world,
    links,
    app,
    git,
    webhookFaults,
    dataFolder,
    rateLimitPerHour: options.rateLimitPerHour ?? 5000,
    tokenLifeMs: options.tokenLifeMs,
    onWebhook: options.onWebhook?.bind(options),
  });

  const handleRest = createRestHandler({
    ...site,
    router: createRouter(allRoutes(site)),
    nameOfRepository(id) {
      const repository = world.repositories.get(id);
      return repository && fullNameOf(repository);
    },
    faults,
    exchanges,
    stopped: stopping.signal,
  });
  const smartHttp = createSmartHttp({ ...site, git, faults, stopped: stopping.signal });
  const pages = createPages(site);
  server.setHandler(async (request, response) => {
    const url = new URL(request.url ?? '/', server.origin);
    if (url.pathname === graphqlPath) url.pathname = '/graphql';
    const hasPrefix = url.pathname.startsWith(`${prefix}/`);
    if (hasPrefix) url.pathname = url.pathname.slice(prefix.length);
    if (hasPrefix || restRoots.has(url.pathname.split('/')[1] ?? ''))
      await handleRest(request, response, url);
    else if (isGitPath(url.pathname)) await smartHttp.handle(request, response, url);
    else if (!site.attachments.answer(url, response) && !site.jobLogs.answer(request, url, response))
      await pages.answer(url.pathname, response);
  });

  const { accountOf, ...owner } = createOwnerControls(site);
  let closed: Promise<void> | undefined;

  async function stop(): Promise<void> {
    stopping.abort();
    await site.sender.stop();
    await Promise.all([server.close(), git.stop()]);
    if (options.dataFolder === undefined) await rm(dataFolder, { recursive: true, force: true });
  }

  function close(): Promise<void> {
    closed ??= stop();
    return closed;
  }

  return {
    /** `http://127.0.0.1:PORT`: REST root, website, and git at `/<owner>/<repo>.git`. */
    url: server.origin,
    app: appCredentials(app),
    ...owner,
    /** Acts on the website as this person. */
    as: (login: string): Person => createPerson(site, accountOf(login)),
    /** What an App does that is not the registered one. */
    otherApp: createOtherApp(site),
    webhooks: {
      /** The App's one webhook URL; without it no event is sent. */
      target: site.sender.setTarget,
      /** Attempts to deliver, oldest first. */
      deliveries: site.sender.deliveries,
      redeliver: site.sender.redeliver,
      /** Greets the URL, as GitHub does when a webhook is new. */
      ping: site.events.ping,
      faults: webhookFaults,
      /** Resolves when every event so far has been attempted. */
      idle: site.sender.idle,
    },
    faults: {
      add: (plan: FaultPlan): { remaining(): number } => faults.add(plan),
      clear: (): void => faults.clear(),
    },
    state: createStateView(site, exchanges.all),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A running stand-in. */
export type Standin = Awaited<ReturnType<typeof createGitHubStandin>>;
