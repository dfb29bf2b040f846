import { Hono } from 'hono';
import { createAcceptTrigger } from '../../src/dispatch/accept-trigger.ts';
import { createAssigner } from '../../src/dispatch/assigner.ts';
import { createAttemptTokens } from '../../src/dispatch/attempt-tokens.ts';
import { createEffects } from '../../src/dispatch/effects/effects.ts';
import { createMailWatch } from '../../src/dispatch/mail/mail-watch.ts';
import { createOutbox } from '../../src/dispatch/outbox.ts';
import { recoveryKey } from '../../src/dispatch/recovery/recovery-marker.ts';
import { createReconciler } from '../../src/dispatch/reconcile.ts';
import { toCheckRun, toEvidenceCheckRun, toLaterHeadCheckRun } from '../../src/domain/check-run-text.ts';
import { decide } from '../../src/domain/decide.ts';
import { BUILT_IN_LABELS } from '../../src/domain/labels.ts';
import { toPullRequest } from '../../src/domain/pull-request-text.ts';
import { toSettingsCheckRun } from '../../src/domain/settings-check-text.ts';
import { toStartCommitMessage } from '../../src/domain/start-commit-text.ts';
import { statusMarker, toStatusComment } from '../../src/domain/status-comment-text.ts';
import { DEFAULT_TIMINGS, type Timings } from '../../src/domain/timings.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createUuidV7 } from '../../src/lib/uuid-v7.ts';
import { createInbox } from '../../src/webhooks/inbox.ts';
import { createInboxWorker } from '../../src/webhooks/inbox-worker.ts';
import { toListedCommentTrigger } from '../../src/webhooks/issue-comment.ts';
import { toListedThreadTrigger } from '../../src/webhooks/review.ts';
import { isHandled, translate } from '../../src/webhooks/translate.ts';
import { MAIL_KEY } from './dispatch-world.ts';
import { openTestStore } from './embedded-store.ts';
import { fullNameOf, openGitHubAtStandin } from './github-at-standin.ts';
import { serveApp } from './serve-app.ts';
import { createTestLogger } from './test-logger.ts';
import { aSeal } from './seal.ts';

/**
 * A coordinator without its loops over a GitHub stand-in that sends it webhooks: inbox, triggers, outbox and sweeps, each carried out when
 * the test says so.
 */
export async function openSweepWorld(timings: Partial<Timings> = {}, repository: { private?: boolean } = {}) {
  const at = await openGitHubAtStandin();
  const { github, standin } = at;
  const lines: Record<string, unknown>[] = [];
  const used = {
    ...DEFAULT_TIMINGS,
    progressReportSeconds: 0,
    blockedLookSeconds: 0,
    issueSweepGraceSeconds: 0,
    ...timings,
  };
  const turned = { ms: 0 };
  const opened = await openTestStore({ nowMs: () => systemClock.nowMs() + turned.ms }, used);
  const { store } = opened;
  const shared = {
    store,
    github,
    clock: systemClock,
    random: systemRandom,
    newId: createUuidV7({ clock: systemClock, random: systemRandom }),
    timings: used,
    log: createTestLogger(lines),
  };
  const acceptTrigger = createAcceptTrigger({
    ...shared,
    decide,
    lookAtCheckRun: () => Promise.reject(new Error('no runner here only reaches GitHub')),
  });
  const texts = {
    toCheckRun,
    toEvidenceCheckRun,
    toLaterHeadCheckRun,
    toSettingsCheckRun,
    toPullRequest,
    toStartCommitMessage,
    statusMarker,
    toStatusComment,
  };
  const key = recoveryKey(standin.app.webhookSecret);
  const toGitHub = { mailKey: MAIL_KEY, githubApiUrl: 'https://api.github.com' };
  const tokens = createAttemptTokens({ ...shared, github, seal: aSeal() });
  const outbox = createOutbox({
    ...shared,
    effects: createEffects({
      ...shared,
      texts,
      tokens,
      labels: BUILT_IN_LABELS,
      ...toGitHub,
      recoveryKey: key,
    }),
  });
  const worker = createInboxWorker({ ...shared, translate, acceptTrigger });
  const inbox = createInbox({ ...shared, secret: standin.app.webhookSecret, onStored: worker.wake });
  const reconciler = createReconciler({
    ...shared,
    reads: at.github.sweeps,
    acceptTrigger,
    isHandled,
    toCommentTrigger: toListedCommentTrigger,
    toThreadTrigger: toListedThreadTrigger,
  });

  const app = new Hono();
  app.post('/hooks', async (context) => {
    const headers = Object.fromEntries(context.req.raw.headers);
    const body = new Uint8Array(await context.req.arrayBuffer());
    const { status, body: text } = await inbox.receive({ headers, body });
    return new Response(text, { status });
  });
  const served = await serveApp(app);
  standin.webhooks.target(`${served.url}/hooks`);
  const target = await at.createTarget(repository);
  const fullName = fullNameOf(target);

  /** Until every webhook is delivered and handled, and GitHub is as it should be. */
  async function settle(): Promise<void> {
    await standin.webhooks.idle();
    await worker.idle();
    await outbox.runDue();
    await standin.webhooks.idle();
    await worker.idle();
  }

  return {
    ...at,
    store,
    lines,
    target,
    fullName,
    reconciler,
    outbox,
    inbox,
    acceptTrigger,
    settle,
    /** Puts the store's clock forward, by which all that is due is judged. */
    turnClock(ms: number): void {
      turned.ms += ms;
    },
    /** An empty store, and what `yardmaster recover` and the outbox need to fill it and to act on it. */
    async openSecondLife() {
      const second = await openTestStore(systemClock, used);
      const deps = { ...shared, store: second.store, recoveryKey: key, mailKey: MAIL_KEY };
      const later = createOutbox({
        ...deps,
        effects: createEffects({ ...deps, texts, tokens, labels: BUILT_IN_LABELS, ...toGitHub }),
      });
      const mailWatch = createMailWatch({
        ...deps,
        ...toGitHub,
        tokens,
        assigner: createAssigner(deps),
        identity: github.identity,
        leaseSeconds: () => used.githubLeaseSeconds,
      });
      return {
        deps: { ...deps, reads: github.sweeps },
        store: second.store,
        outbox: later,
        mailWatch,
        async [Symbol.asyncDispose](): Promise<void> {
          await mailWatch.stop();
          await later.stop();
          await second[Symbol.asyncDispose]();
        },
      };
    },
    /** Sweeps, then settles. */
    async sweep(...names: Parameters<typeof reconciler.sweep>[0][]) {
      const findings = [];
      for (const name of names) findings.push(await reconciler.sweep(name));
      await settle();
      return findings;
    },
    /** Opens an issue and labels it; no webhook is waited for. */
    async ask(label = 'agent:backend', by = 'alice'): Promise<number> {
      const { number } = await standin
        .as('alice')
        .openIssue({ repository: fullName, title: 'Sums are wrong', body: 'See there.' });
      await standin.as(by).addLabel(fullName, number, label);
      return number;
    },
    jobsOf: (issue: number) => store.jobs.ofIssue(target.repository.id, issue, 10),
    commentsOf: (issue: number) => standin.state.comments(fullName, issue),
    async [Symbol.asyncDispose](): Promise<void> {
      standin.webhooks.target(undefined);
      await reconciler.stop();
      await worker.stop();
      await outbox.stop();
      await served[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
      await at[Symbol.asyncDispose]();
    },
  };
}
