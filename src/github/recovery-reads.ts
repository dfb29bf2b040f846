import type { RepositoryTarget } from '../domain/trigger.ts';
import { nullWhenGone } from './find-or-create.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

const PAGE_SIZE = 100;
/** Comments of a repository that are looked through, those that were changed last. */
const MAX_PAGES = 50;

/** What `yardmaster recover` reads of GitHub, besides what the sweeps read. Every call throws `GitHubError`. */
export type RecoveryReads = {
  /** Comments of the App that begin with `marker`, those that were changed last first. */
  ownComments(
    target: RepositoryTarget,
    marker: string,
  ): Promise<{ id: number; issueNumber: number; body: string }[]>;
  /** Branches whose names begin so, with the messages and (first) parents of their heads. */
  branches(
    target: RepositoryTarget,
    prefix: string,
  ): Promise<{ branch: string; commit: string; message: string; parent: string | null }[]>;
  /** The App's own check runs on a commit. */
  checkRuns(target: RepositoryTarget, commit: string): Promise<FoundCheckRun[]>;
  /** Pull requests of a branch, whatever became of them, newest first. */
  pullRequests(
    target: RepositoryTarget,
    branch: string,
  ): Promise<{ number: number; url: string; isOpen: boolean; createdAtMs: number }[]>;
};

export type FoundCheckRun = {
  id: number;
  externalId: string | null;
  url: string;
  status: string;
  conclusion: string | null;
};

export function createRecoveryReads(deps: { call: GitHubCall; identity: GitHub['identity'] }): RecoveryReads {
  const { call, identity } = deps;

  return {
    async ownComments(target, marker) {
      const { bot } = await identity();
      const found = [];
      for (let page = 1; page <= MAX_PAGES; page += 1) {
        const { data } = await call(target.installationId, (octokit) =>
          octokit.rest.issues.listCommentsForRepo({
            ...toPath(target),
            sort: 'updated',
            direction: 'desc',
            per_page: PAGE_SIZE,
            page,
          }),
        );
        for (const { id, user, body, issue_url } of data) {
          const issueNumber = Number(/\/issues\/(\d+)$/.exec(issue_url)?.[1]);
          const isOurs = user?.login === bot.login && body?.startsWith(marker) === true;
          if (isOurs && Number.isSafeInteger(issueNumber)) found.push({ id, issueNumber, body });
        }
        if (data.length < PAGE_SIZE) break;
      }
      return found;
    },

    async branches(target, prefix) {
      // All at once: this list has no pages.
      const refs = await nullWhenGone(
        call(target.installationId, (octokit) =>
          octokit.rest.git.listMatchingRefs({ ...toPath(target), ref: `heads/${prefix}` }),
        ),
      );
      return Promise.all(
        (refs?.data ?? []).map(async ({ ref, object: { sha: commit } }) => {
          const { data } = await call(target.installationId, (octokit) =>
            octokit.rest.git.getCommit({ ...toPath(target), commit_sha: commit }),
          );
          const { message, parents } = data;
          return {
            branch: ref.replace(/^refs\/heads\//, ''),
            commit,
            message,
            parent: parents[0]?.sha ?? null,
          };
        }),
      );
    },

    async checkRuns(target, commit) {
      const { appId } = await identity();
      const response = await nullWhenGone(
        call(target.installationId, (octokit) =>
          octokit.rest.checks.listForRef({
            ...toPath(target),
            ref: commit,
            filter: 'all',
            app_id: appId,
            per_page: PAGE_SIZE,
          }),
        ),
      );
      return (response?.data.check_runs ?? []).map((run) => ({
        id: run.id,
        externalId: run.external_id,
        url: run.html_url ?? `${target.repository.htmlUrl}/runs/${run.id}`,
        status: run.status,
        conclusion: run.conclusion,
      }));
    },

    async pullRequests(target, branch) {
      const { data } = await call(target.installationId, (octokit) =>
        octokit.rest.pulls.list({
          ...toPath(target),
          state: 'all',
          head: `${target.repository.owner}:${branch}`,
          per_page: PAGE_SIZE,
        }),
      );
      return data
        .filter(({ head }) => head.ref === branch)
        .map(({ number, html_url: url, state, created_at }) => ({
          number,
          url,
          isOpen: state === 'open',
          createdAtMs: Date.parse(created_at),
        }));
    },
  };
}
