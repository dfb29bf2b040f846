import type { RepositoryRef } from '../contract/job.ts';
import type { Actor, RepositoryTarget } from '../domain/trigger.ts';
import type { Clock } from '../lib/clock.ts';
import { nullWhenGone } from './find-or-create.ts';
import { type GitHubCall, ONCE, toPath, withGitHubErrors } from './github-call.ts';
import { GitHubError } from './github-error.ts';
import type { Octokit } from './probot-octokit.ts';

const PAGE_SIZE = 100;
/** Whoever has more of something than this waits for the next round. */
const MAX_PAGES = 20;

/** An attempt of GitHub's to deliver a webhook. */
export type HookDelivery = {
  id: number;
  guid: string;
  event: string;
  action: string | null;
  deliveredAtMs: number;
};

/** `next`: the cursor of the next page; `null` after the last. */
export type HookDeliveryPage = { deliveries: HookDelivery[]; next: string | null };

export type ListedIssue = {
  number: number;
  title: string;
  body: string;
  author: string;
  labels: string[];
  state: 'open' | 'closed';
  locked: boolean;
  isPullRequest: boolean;
  /** As GitHub writes them. */
  updatedAt: string;
  closedAt: string | null;
};

/** A comment on an issue or in a pull request's conversation. */
export type ListedComment = {
  id: number;
  issueNumber: number;
  body: string;
  /** `null` for an account that is gone. */
  author: Actor | null;
  /** As GitHub writes them. */
  createdAt: string;
  updatedAt: string;
};

export type LabelEvent = { kind: 'labeled' | 'unlabeled'; label: string; at: string; actor: Actor };

/**
 * What the sweeps read of GitHub, and the one thing that they ask of it. Every call throws `GitHubError`; none is cached, and
 * `changedIssues` costs nothing of the hourly budget while nothing changes.
 */
export type SweepReads = {
  /** A page of the failed attempts, newest first; GitHub keeps three days of them. `null` is the cursor of the first page. */
  failedDeliveries(cursor: string | null): Promise<HookDeliveryPage>;
  /** GitHub sends it once more, with the same GUID, soon. */
  redeliver(deliveryId: number): Promise<void>;
  installations(): Promise<{ id: number; isSuspended: boolean }[]>;
  /** What an installation covers; archived repositories can only be read. */
  repositories(installationId: number): Promise<{ repository: RepositoryRef; isArchived: boolean }[]>;
  /** Whether this installation, not suspended, covers the repository. */
  isUsable(target: RepositoryTarget): Promise<boolean>;
  /** Issues and pull requests that were changed since then, those first that were left alone the longest; `null` when `etag` still holds. */
  changedIssues(
    target: RepositoryTarget,
    since: string,
    etag: string | null,
  ): Promise<{ issues: ListedIssue[]; etag: string | null } | null>;
  /** Comments that were written or edited since then, the oldest change first; `isAll` is false when there are more than were read. */
  changedComments(
    target: RepositoryTarget,
    since: string,
  ): Promise<{ comments: ListedComment[]; isAll: boolean }>;
  /** What was done to the labels of an issue, oldest first. */
  labelEvents(target: RepositoryTarget, issueNumber: number): Promise<LabelEvent[]>;
  /** `null` when it isn't there. */
  checkRunStatus(target: RepositoryTarget, checkRunId: number): Promise<string | null>;
  /** `null` when it isn't there. */
  commentBody(target: RepositoryTarget, commentId: number): Promise<string | null>;
};

export function createSweepReads(deps: {
  call: GitHubCall;
  appOctokit: () => Promise<Octokit>;
  clock: Pick<Clock, 'nowMs'>;
}): SweepReads {
  const { call } = deps;

  function asApp<Result>(request: (octokit: Octokit) => Promise<Result>): Promise<Result> {
    return withGitHubErrors(deps.clock, async () => request(await deps.appOctokit()));
  }

  return {
    async failedDeliveries(cursor) {
      const { data, headers } = await asApp((octokit) =>
        octokit.rest.apps.listWebhookDeliveries({
          status: 'failure',
          per_page: PAGE_SIZE,
          ...(cursor === null ? {} : { cursor }),
        }),
      );
      const next = /<[^>]*[?&]cursor=([^&>]+)[^>]*>; rel="next"/.exec(headers.link ?? '')?.[1];
      return {
        deliveries: data.map(({ id, guid, event, action, delivered_at }) => ({
          id,
          guid,
          event,
          action,
          deliveredAtMs: Date.parse(delivered_at),
        })),
        next: next === undefined ? null : decodeURIComponent(next),
      };
    },

    async redeliver(deliveryId) {
      await asApp((octokit) =>
        octokit.rest.apps.redeliverWebhookDelivery({ ...ONCE, delivery_id: deliveryId }),
      );
    },

    async installations() {
      const installations = await asApp((octokit) =>
        octokit.paginate(octokit.rest.apps.listInstallations, { per_page: PAGE_SIZE }),
      );
      return installations.map(({ id, suspended_at }) => ({ id, isSuspended: suspended_at != null }));
    },

    async repositories(installationId) {
      const repositories = await call(installationId, (octokit) =>
        octokit.paginate(octokit.rest.apps.listReposAccessibleToInstallation, { per_page: PAGE_SIZE }),
      );
      return repositories.map((one) => ({
        repository: {
          id: one.id,
          owner: one.owner.login,
          name: one.name,
          private: one.private,
          defaultBranch: one.default_branch,
          cloneUrl: one.clone_url,
          htmlUrl: one.html_url,
        },
        isArchived: one.archived,
      }));
    },

    async isUsable({ installationId, repository }) {
      const response = await nullWhenGone(
        asApp((octokit) =>
          octokit.rest.apps.getRepoInstallation({ owner: repository.owner, repo: repository.name }),
        ),
      );
      return response?.data.id === installationId && response.data.suspended_at == null;
    },

    async changedIssues(target, since, etag) {
      const issues: ListedIssue[] = [];
      let newEtag: string | null = null;
      for (let page = 1; page <= MAX_PAGES; page += 1) {
        const response = await nullWhenUnchanged(
          call(target.installationId, (octokit) =>
            octokit.rest.issues.listForRepo({
              ...toPath(target),
              state: 'all',
              sort: 'updated',
              direction: 'asc',
              since,
              per_page: PAGE_SIZE,
              page,
              ...(etag !== null && page === 1 ? { headers: { 'if-none-match': etag } } : {}),
            }),
          ),
        );
        if (response === null) return null;
        issues.push(...response.data.map(toListedIssue));
        if (response.data.length < PAGE_SIZE) {
          newEtag = page === 1 ? (response.headers.etag ?? null) : null;
          break;
        }
      }
      return { issues, etag: newEtag };
    },

    async changedComments(target, since) {
      const comments: ListedComment[] = [];
      for (let page = 1; page <= MAX_PAGES; page += 1) {
        const { data } = await call(target.installationId, (octokit) =>
          octokit.rest.issues.listCommentsForRepo({
            ...toPath(target),
            sort: 'updated',
            direction: 'asc',
            since,
            per_page: PAGE_SIZE,
            page,
          }),
        );
        comments.push(...data.map(toListedComment));
        if (data.length < PAGE_SIZE) return { comments, isAll: true };
      }
      return { comments, isAll: false };
    },

    async labelEvents(target, issueNumber) {
      const events = await call(target.installationId, (octokit) =>
        octokit.paginate(octokit.rest.issues.listEvents, {
          ...toPath(target),
          issue_number: issueNumber,
          per_page: PAGE_SIZE,
        }),
      );
      return events.flatMap((event): LabelEvent[] => {
        const { event: kind } = event;
        if ((kind !== 'labeled' && kind !== 'unlabeled') || !('label' in event)) return [];
        const { actor, created_at: at } = event;
        const sender = { login: actor.login, id: actor.id, isBot: actor.type === 'Bot' };
        return [{ kind, label: event.label.name ?? '', at, actor: sender }];
      });
    },

    async checkRunStatus(target, checkRunId) {
      const response = await nullWhenGone(
        call(target.installationId, (octokit) =>
          octokit.rest.checks.get({ ...toPath(target), check_run_id: checkRunId }),
        ),
      );
      return response?.data.status ?? null;
    },

    async commentBody(target, commentId) {
      const response = await nullWhenGone(
        call(target.installationId, (octokit) =>
          octokit.rest.issues.getComment({ ...toPath(target), comment_id: commentId }),
        ),
      );
      return response === null ? null : (response.data.body ?? '');
    },
  };
}

function toListedIssue(
  data: Awaited<ReturnType<Octokit['rest']['issues']['listForRepo']>>['data'][number],
): ListedIssue {
  return {
    number: data.number,
    title: data.title,
    body: data.body ?? '',
    author: data.user?.login ?? 'ghost',
    labels: data.labels.flatMap((label) => (typeof label === 'string' ? label : (label.name ?? []))),
    state: data.state === 'closed' ? 'closed' : 'open',
    locked: data.locked,
    isPullRequest: data.pull_request != null,
    updatedAt: data.updated_at,
    closedAt: data.closed_at,
  };
}

function toListedComment(
  data: Awaited<ReturnType<Octokit['rest']['issues']['listCommentsForRepo']>>['data'][number],
): ListedComment {
  const { user } = data;
  return {
    id: data.id,
    // The list names the issue by its address only.
    issueNumber: Number(data.issue_url.slice(data.issue_url.lastIndexOf('/') + 1)),
    body: data.body ?? '',
    author: user === null ? null : { login: user.login, id: user.id, isBot: user.type === 'Bot' },
    createdAt: data.created_at,
    updatedAt: data.updated_at,
  };
}

/** Octokit throws for 304. */
async function nullWhenUnchanged<Thing>(request: Promise<Thing>): Promise<Thing | null> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof GitHubError && error.status === 304) return null;
    throw error;
  }
}
