import type { Config } from './config.ts';
import { MAIL_KEY_PURPOSE } from './contract/check-run-mail.ts';
import { createAcceptTrigger, type AcceptTrigger } from './dispatch/accept-trigger.ts';
import { createAssigner } from './dispatch/assigner.ts';
import { createAttemptTokens } from './dispatch/attempt-tokens.ts';
import { createDispatcher, type Dispatcher } from './dispatch/dispatcher.ts';
import { createEffects } from './dispatch/effects/effects.ts';
import { createExplainIssue, type ExplainIssue } from './dispatch/explain-issue.ts';
import { createProposeSettings, type ProposeSettings } from './dispatch/propose-settings.ts';
import { createMailWatch } from './dispatch/mail/mail-watch.ts';
import { createOutbox, type Outbox } from './dispatch/outbox.ts';
import { createReconciler, type Reconciler } from './dispatch/reconcile.ts';
import { recoveryKey } from './dispatch/recovery/recovery-marker.ts';
import { createPreviewJob, type PreviewJob } from './dispatch/preview-job.ts';
import { createRunnerRegistry, type RunnerRegistry } from './dispatch/runner-registry.ts';
import { createSweeper } from './dispatch/sweeper.ts';
import { decide } from './domain/decide.ts';
import { toCheckRun, toEvidenceCheckRun, toLaterHeadCheckRun } from './domain/check-run-text.ts';
import { BUILT_IN_LABELS } from './domain/labels.ts';
import { toPullRequest } from './domain/pull-request-text.ts';
import { toSettingsCheckRun } from './domain/settings-check-text.ts';
import { SETTINGS_SCHEMA_PATH } from './domain/settings-file.ts';
import { toStartCommitMessage } from './domain/start-commit-text.ts';
import { statusMarker, toStatusComment } from './domain/status-comment-text.ts';
import type { Timings } from './domain/timings.ts';
import { createGitHub } from './github/create-github.ts';
import type { GitHub } from './github/github.ts';
import { createOctokitFactory } from './github/probot-octokit.ts';
import { openSharedLimits } from './github/shared-limits.ts';
import type { Clock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import type { Random } from './lib/random.ts';
import { createSeal } from './lib/seal.ts';
import { deriveMessageKey } from './lib/signed-message.ts';
import { stopEach } from './lib/stop-each.ts';
import { createUuidV7 } from './lib/uuid-v7.ts';
import { packageVersion } from './package-version.ts';
import { createEmbeddedStore } from './store/embedded.ts';
import { createPostgresStore } from './store/postgres.ts';
import type { Store } from './store/store.ts';
import type { StoreUse } from './store/store-use.ts';
import { createStoredLimits } from './stored-limits.ts';
import { createInbox, type Inbox } from './webhooks/inbox.ts';
import { createInboxWorker, type InboxWorker } from './webhooks/inbox-worker.ts';
import { toListedCommentTrigger } from './webhooks/issue-comment.ts';
import { toListedThreadTrigger } from './webhooks/review.ts';
import { isHandled, translate } from './webhooks/translate.ts';

const TEXTS = {
  toCheckRun,
  toEvidenceCheckRun,
  toLaterHeadCheckRun,
  toSettingsCheckRun,
  toPullRequest,
  toStartCommitMessage,
  statusMarker,
  toStatusComment,
};

const TOKEN_SEAL_PURPOSE = 'yardmaster: tokens of attempts';

/** Every part of the coordinator; whoever made it stops it. */
export type Coordinator = {
  /** Starts what runs by itself: outbox, sweeper, mail watch, reconciler. Only then GitHub is asked for anything. */
  start(): void;
  store: Store;
  inbox: Inbox;
  inboxWorker: InboxWorker;
  acceptTrigger: AcceptTrigger;
  dispatcher: Dispatcher;
  registry: RunnerRegistry;
  previewJob: PreviewJob;
  outbox: Outbox;
  reconciler: Reconciler;
  /** For an operator who wants to know what a label would do. */
  explainIssue: ExplainIssue;
  proposeSettings: ProposeSettings;
  /** Asks GitHub who we are. Throws `GitHubError`. */
  identity: GitHub['identity'];
  /** From now on leases outlast a planned restart; then everything stops: what is in hand is finished, the rest stays stored. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * Builds the parts from the configuration. Nothing runs by itself before `start`.
 * Throws when another coordinator has the data folder, or when the database or Redis can't be used, saying what to do.
 */
export async function createCoordinator(
  config: Config,
  deps: { clock: Clock; random: Random; timings: Timings; log: Logger },
): Promise<Coordinator> {
  const { clock, random, timings, log } = deps;
  const newId = createUuidV7({ clock, random });
  const store = await openStore(config, { ...deps, use: 'serve' });
  const redisLimits = await openRedisLimits(config, { random, log }).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  const octokits = createOctokitFactory({
    appId: config.appId,
    privateKey: config.privateKey,
    webhookSecret: config.webhookSecret,
    baseUrl: config.githubApiUrl,
    limits: { ...config.limits, enabled: true },
    sharedLimits: redisLimits ?? createStoredLimits(store),
    clock,
    log,
  });
  const github = createGitHub({ ...octokits, apiUrl: config.githubApiUrl, clock, log });

  const assigner = createAssigner({ store, timings });
  const seal = createSeal(deriveMessageKey(config.privateKey, TOKEN_SEAL_PURPOSE).secret);
  const tokens = createAttemptTokens({ github, store, seal, clock, log });
  const mailKey = deriveMessageKey(config.privateKey, MAIL_KEY_PURPOSE);
  const { githubApiUrl } = config;
  const effects = createEffects({
    store,
    github,
    tokens,
    texts: TEXTS,
    labels: BUILT_IN_LABELS,
    mailKey,
    githubApiUrl,
    timings,
    newId,
    recoveryKey: recoveryKey(config.webhookSecret),
    log,
  });
  const outbox = createOutbox({ store, effects, clock, random, timings, log });
  const sweeper = createSweeper({ store, assigner, newId, clock, random, timings, log });
  const mailWatch = createMailWatch({
    store,
    github,
    tokens,
    assigner,
    identity: github.identity,
    githubApiUrl,
    mailKey,
    newId,
    leaseSeconds: () => timings.githubLeaseSeconds,
    clock,
    random,
    timings,
    log,
  });
  const acceptTrigger = createAcceptTrigger({
    store,
    github,
    decide,
    newId,
    lookAtCheckRun: (attemptId) => mailWatch.look(attemptId),
    timings,
    log,
  });
  const dispatcher = createDispatcher({
    store,
    github,
    tokens,
    assigner,
    githubApiUrl,
    newId,
    clock,
    random,
    timings,
    log,
  });
  const registry = createRunnerRegistry({
    store,
    newId,
    random,
    timings,
    coordinatorVersion: packageVersion(),
    log,
  });
  const previewJob = createPreviewJob({ store, github, githubApiUrl, clock, log });
  const inboxWorker = createInboxWorker({ store, translate, acceptTrigger, log, clock });
  const inbox = createInbox({ store, secret: config.webhookSecret, log, onStored: inboxWorker.wake });

  const reconciler = createReconciler({
    store,
    github,
    reads: github.sweeps,
    acceptTrigger,
    isHandled,
    toCommentTrigger: toListedCommentTrigger,
    toThreadTrigger: toListedThreadTrigger,
    clock,
    timings,
    log,
  });

  function start(): void {
    outbox.start();
    sweeper.start();
    mailWatch.start();
    reconciler.start();
  }

  let stopping: Promise<void> | undefined;
  async function stopAll(): Promise<void> {
    dispatcher.announceStop();
    await stopEach('The coordinator', [
      () => inboxWorker.stop(),
      () => reconciler.stop(),
      () => sweeper.stop(),
      () => mailWatch.stop(),
      () => outbox.stop(),
      () => store.close(),
      async () => redisLimits?.close(),
    ]);
  }
  const stop = (): Promise<void> => (stopping ??= stopAll());

  return {
    start,
    store,
    inbox,
    inboxWorker,
    acceptTrigger,
    dispatcher,
    registry,
    previewJob,
    outbox,
    reconciler,
    explainIssue: createExplainIssue({ store, github, decide, timings }),
    proposeSettings: createProposeSettings({
      store,
      github,
      proposeFile: github.proposeFile,
      schemaUrl: config.publicUrl === null ? null : `${config.publicUrl}${SETTINGS_SCHEMA_PATH}`,
    }),
    identity: github.identity,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** `null` when GitHub's limits are kept in the store. */
async function openRedisLimits(
  { appId, redisUrl: url }: Pick<Config, 'appId' | 'redisUrl'>,
  deps: { random: Random; log: Logger },
) {
  return url === null ? null : openSharedLimits({ url, prefix: `yardmaster:${appId}:`, ...deps });
}

/** The only place that knows which engine is beneath. */
export async function openStore(
  config: Pick<Config, 'dataFolder' | 'databaseUrl' | 'keepLogsDays'>,
  deps: { clock: Clock; random: Random; timings: Timings; log: Logger; use: StoreUse },
): Promise<Store> {
  const { dataFolder: folder, databaseUrl: url, keepLogsDays } = config;
  if (url === null) return createEmbeddedStore({ ...deps, folder, keepLogsDays });
  const { random, timings, log, use } = deps;
  return createPostgresStore({ url, folder, use, random, timings, keepLogsDays, log });
}
