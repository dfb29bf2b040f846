import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Config, secretsOf } from './config.ts';
import { type Coordinator, createCoordinator } from './coordinator.ts';
import { LEASED_STATES } from './domain/job-lifecycle.ts';
import { DEFAULT_TIMINGS, type Timings } from './domain/timings.ts';
import { explainAppTrouble } from './github/explain-app-trouble.ts';
import { GitHubError } from './github/github-error.ts';
import { systemClock } from './lib/clock.ts';
import { createLogger, type Logger } from './lib/logger.ts';
import { systemRandom } from './lib/random.ts';
import { createRedactor } from './lib/redact.ts';
import { stopEach } from './lib/stop-each.ts';
import { startOperatorSocket } from './operator-socket.ts';
import { packageVersion } from './package-version.ts';
import { createHttpApp } from './http-app.ts';
import { startHttpServer } from './http-server.ts';
import { startSmee } from './webhooks/smee.ts';

/** A coordinator that answers. */
export type Serving = {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  url: string;
  coordinator: Coordinator;
  /**
   * Gives runners that are at work a lease that outlives a restart, which takes as long as the pause between two heartbeats, or until
   * `hurry` aborts; then takes no more requests, finishes what is in hand, closes the store. Safe to repeat.
   */
  stop(hurry?: AbortSignal): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** `yardmaster serve`: runs the coordinator until the signal aborts. Throws when it can't start, saying what to do. */
export async function serve(
  config: Config,
  options: {
    signal: AbortSignal;
    /** Ends the wait for the runners' heartbeats. */
    hurry: AbortSignal;
  },
): Promise<void> {
  const redactor = createRedactor(secretsOf(config));
  const log = createLogger({ ...config.log, redact: redactor.redact });
  const serving = await startServing(config, { log, timings: DEFAULT_TIMINGS });
  log.info(
    {
      url: serving.url,
      webhooks: `${serving.url}/api/github/webhooks`,
      githubApiUrl: config.githubApiUrl,
      dataFolder: config.dataFolder,
      version: packageVersion(),
    },
    'The coordinator is up',
  );
  const stopped = options.signal.aborted ? Promise.resolve() : once(options.signal, 'abort');
  await Promise.race([checkApp(serving.coordinator, config, log), stopped]);

  await stopped;
  log.info(
    {},
    'Stopping: runners that are at work are given long leases first; a second signal stops at once',
  );
  await serving.stop(options.hurry);
  log.info({}, 'Stopped');
}

/** A wrong App ID or key would otherwise be found out by the first job. Goes on all the same: GitHub may only be away. */
async function checkApp(
  coordinator: Coordinator,
  { githubApiUrl }: Pick<Config, 'githubApiUrl'>,
  log: Logger,
): Promise<void> {
  try {
    const { slug } = await coordinator.identity();
    log.info({ app: slug }, 'GitHub knows this App');
  } catch (error) {
    if (error instanceof GitHubError)
      log.error({ githubApiUrl, reason: error.message }, explainAppTrouble(error));
    else log.error({ err: error }, 'Who this App is could not be found out');
  }
}

/** Starts the coordinator, its HTTP server, the operator's socket and, when configured, the smee channel. */
export async function startServing(
  config: Config,
  deps: { log: Logger; timings: Timings },
): Promise<Serving> {
  const { log } = deps;
  const clock = systemClock;
  const coordinator = await createCoordinator(config, { ...deps, clock, random: systemRandom });
  const shutdown = new AbortController();
  const stops: (() => Promise<void>)[] = [() => coordinator.stop()];

  async function stopAll(hurry?: AbortSignal): Promise<void> {
    await stopEach('The server', [
      // Fails when the database is away, which must not keep the rest from stopping.
      () => giveLongLeases(coordinator, deps.timings, hurry),
      // Long polls answer at once, so that their runners come back to the next coordinator.
      async () => shutdown.abort(new Error('The coordinator stops')),
      ...stops.toReversed(),
    ]);
  }
  let stopping: Promise<void> | undefined;
  const stop = (hurry?: AbortSignal): Promise<void> => (stopping ??= stopAll(hurry));

  try {
    const app = createHttpApp({
      coordinator,
      clock,
      metricsToken: config.metricsToken,
      log,
      shutdown: shutdown.signal,
    });
    const { server, stop: stopServer } = await startHttpServer(app, { host: config.host, port: config.port });
    stops.push(stopServer);
    const url = toUrl(server.address() as AddressInfo);

    const operator = await startOperatorSocket(coordinator, {
      dataFolder: config.dataFolder,
      url: config.publicUrl ?? toReachableUrl(url, config.host),
      log,
    });
    stops.push(operator.stop);

    if (config.webhookProxyUrl !== null) {
      const smee = await startSmee({
        source: config.webhookProxyUrl,
        target: `${url}/api/github/webhooks`,
        log,
      });
      stops.push(() => smee.stop());
    }
    // Last: with its port taken or its socket closed to it, it has asked GitHub for nothing and promised nobody anything.
    coordinator.start();
    return { url, coordinator, stop, [Symbol.asyncDispose]: () => stop() };
  } catch (error) {
    // No runner has heard of this coordinator: there is nobody to give a lease to.
    await stop(AbortSignal.abort());
    throw error;
  }
}

/** What a heartbeat may take from a runner to its answer. */
const ON_THE_WAY_MS = 2000;

/** Until every runner that is at work had its next heartbeat answered: from now on the answers carry the long lease. */
async function giveLongLeases(
  coordinator: Coordinator,
  timings: Timings,
  hurry?: AbortSignal,
): Promise<void> {
  coordinator.dispatcher.announceStop();
  const counts = await coordinator.store.jobs.countByState();
  if (LEASED_STATES.every((state) => (counts[state] ?? 0) === 0)) return;
  // Heartbeats come with 20 % of jitter, and take their time on the way.
  const longestPauseMs = timings.heartbeatSeconds * 1.2 * 1000 + ON_THE_WAY_MS;
  // Hurrying ends the wait early; what was not told comes back within its ordinary lease.
  await systemClock.sleep(longestPauseMs, hurry).catch(() => undefined);
}

/** An address to reach it by from other machines, as far as that can be told without PUBLIC_URL. */
function toReachableUrl(localUrl: string, host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return localUrl;
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const outside = addresses.find(({ internal, family }) => !internal && family === 'IPv4');
  return outside === undefined ? localUrl : localUrl.replace('127.0.0.1', outside.address);
}

/** An address to reach it by from this machine. */
function toUrl({ address, port, family }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://127.0.0.1:${port}`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
