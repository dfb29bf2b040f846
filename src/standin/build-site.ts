import { createAccess } from './access/access.ts';
import { createAuthenticator } from './access/authenticate.ts';
import { createInstallationTokens } from './access/installation-tokens.ts';
import { createIssueAnnouncer } from './actions/announce-issue.ts';
import { createPushAnnouncer } from './actions/announce-push.ts';
import { createCheckActions } from './actions/checks.ts';
import { createCommentActions } from './actions/comments.ts';
import { createInstallationActions } from './actions/installations.ts';
import { createIssueActions } from './actions/issues.ts';
import { createLabelActions } from './actions/labels.ts';
import { createMerge } from './actions/merge.ts';
import { createPullActions } from './actions/pulls.ts';
import { createReactionActions } from './actions/reactions.ts';
import { createRefChanges } from './actions/ref-changes.ts';
import { createRepositoryActions } from './actions/repositories.ts';
import { createReviewActions } from './actions/reviews.ts';
import { createRules } from './actions/rules.ts';
import type { AppRegistration } from './app-registration.ts';
import { createObjects } from './git/objects.ts';
import { createRefs } from './git/refs.ts';
import type { Git } from './git/run-git.ts';
import { createWriter } from './git/writer.ts';
import { createRateLimit } from './http/rate-limit.ts';
import type { Links } from './shapes/links.ts';
import { createShapes } from './shapes/shapes.ts';
import type { Site } from './site.ts';
import type { SentWebhook } from './webhooks/delivery.ts';
import { createEvents } from './webhooks/events.ts';
import { createWebhookSender } from './webhooks/sender.ts';
import type { WebhookFaults } from './webhooks/webhook-faults.ts';
import { createAttachments } from './website/attachments.ts';
import { createJobLogs } from './website/job-logs.ts';
import type { World } from './world.ts';

/** Puts the parts of the stand-in together, each with what it needs. */
export function buildSite(given: {
  clock: { nowMs(): number };
  world: World;
  links: Links;
  app: AppRegistration;
  git: Git;
  webhookFaults: WebhookFaults;
  dataFolder: string;
  rateLimitPerHour: number;
  tokenLifeMs: number | undefined;
  onWebhook: ((webhook: SentWebhook) => void) | undefined;
}): Site {
  const { clock, world, links, app, git } = given;
  const base = { clock, world, links, app, git };

  const tokens = createInstallationTokens({ ...base, lifeMs: given.tokenLifeMs });
  const authenticator = createAuthenticator({ ...base, tokens });
  const access = createAccess(base);
  const rateLimit = createRateLimit({ clock, perHour: given.rateLimitPerHour });

  const objects = createObjects(git);
  const refs = createRefs({ git, objects });
  const writer = createWriter({ git, objects });
  const shapes = createShapes({ ...base, objects, writer });

  const sender = createWebhookSender({ ...base, faults: given.webhookFaults });
  const events = createEvents({ world, shapes, sender, onWebhook: given.onWebhook });
  const announce = createIssueAnnouncer({ shapes, events });

  const acting = { ...base, tokens, objects, refs, writer, shapes, events, announce };
  const rules = createRules();
  const labels = createLabelActions(acting);
  const issues = createIssueActions({ ...acting, labels });
  const checks = createCheckActions(acting);
  const pulls = createPullActions({ ...acting, issues });
  const announcePush = createPushAnnouncer(acting);
  const refChanges = createRefChanges({ ...acting, checks, issues, pulls, announcePush });

  return {
    ...base,
    tokens,
    authenticator,
    access,
    rateLimit,
    objects,
    refs,
    writer,
    shapes,
    sender,
    events,
    rules,
    refChanges,
    labels,
    issues,
    checks,
    pulls,
    repositories: createRepositoryActions({ ...acting, refChanges, dataFolder: given.dataFolder }),
    installations: createInstallationActions(acting),
    comments: createCommentActions(acting),
    reactions: createReactionActions(acting),
    reviews: createReviewActions(acting),
    attachments: createAttachments(base),
    jobLogs: createJobLogs(base),
    merge: createMerge({ ...acting, pulls, refChanges, rules }),
  };
}
