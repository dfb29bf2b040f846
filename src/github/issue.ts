import type { RepositoryRef } from '../contract/job.ts';
import type { Blocker } from '../domain/blockers.ts';
import type { IssueReading } from '../domain/decide.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import { nullWhenGone } from './find-or-create.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

export function createIssueReader(deps: {
  call: GitHubCall;
  readRepository: GitHub['readRepository'];
}): Pick<GitHub, 'readIssue'> {
  const { call, readRepository } = deps;
  return { readIssue };

  async function readIssue(target: RepositoryTarget, issueNumber: number): Promise<IssueReading> {
    const response = await nullWhenGone(
      call(target.installationId, (octokit) =>
        octokit.rest.issues.get({ ...toPath(target), issue_number: issueNumber }),
      ),
    );
    if (response === null) return { found: false, reason: 'it was deleted, or the App may not see it' };
    const { data } = response;
    if (!(await isOf(target, data.repository_url))) {
      return { found: false, reason: 'it was moved to another repository' };
    }
    return {
      found: true,
      issue: {
        number: data.number,
        id: data.id,
        title: data.title,
        body: data.body ?? '',
        author: data.user?.login ?? 'ghost',
        labels: data.labels.flatMap((label) => (typeof label === 'string' ? label : (label.name ?? []))),
        ...(data.type == null ? {} : { type: data.type.name }),
        htmlUrl: data.html_url,
      },
      state: data.state === 'closed' ? 'closed' : 'open',
      locked: data.locked,
      isPullRequest: data.pull_request != null,
      openBlockers: [
        ...(isMaybeBlocked(data) ? await readBlockers(target, issueNumber) : []),
        ...(hasOpenSubIssues(data) ? await readSubIssues(target, issueNumber) : []),
      ],
      commentCount: data.comments,
    };
  }

  /** Few issues are blocked, so only those cost another request. */
  async function readBlockers(target: RepositoryTarget, issueNumber: number): Promise<Blocker[]> {
    const answer = await nullWhenGone(
      call(target.installationId, (octokit) =>
        octokit.rest.issues.listDependenciesBlockedBy({
          ...toPath(target),
          issue_number: issueNumber,
          per_page: 100,
        }),
      ),
    );
    return toOpen(answer?.data ?? []);
  }

  /** Few issues have any, so only those cost another request. */
  async function readSubIssues(target: RepositoryTarget, issueNumber: number): Promise<Blocker[]> {
    const answer = await nullWhenGone(
      call(target.installationId, (octokit) =>
        octokit.rest.issues.listSubIssues({ ...toPath(target), issue_number: issueNumber, per_page: 100 }),
      ),
    );
    return toOpen(answer?.data ?? []).map((issue) => ({ ...issue, isSubIssue: true }));
  }

  /** GitHub redirects to where an issue was moved, and likewise when only the repository was renamed. */
  async function isOf(target: RepositoryTarget, repositoryUrl: string): Promise<boolean> {
    const { owner, name } = target.repository;
    if (endsWithName(repositoryUrl, `${owner}/${name}`)) return true;
    const { installationId } = target;
    const now: RepositoryRef = await readRepository({ installationId, fullName: `${owner}/${name}` });
    return now.id === target.repository.id && endsWithName(repositoryUrl, `${now.owner}/${now.name}`);
  }
}

/** Older servers say nothing of it, and have no such list. */
function isMaybeBlocked(data: { issue_dependencies_summary?: { blocked_by: number } }): boolean {
  return (data.issue_dependencies_summary?.blocked_by ?? 0) > 0;
}

/** GitHub counts closed ones as completed, whatever they were closed as. */
function hasOpenSubIssues(data: { sub_issues_summary?: { total: number; completed: number } }): boolean {
  const { total = 0, completed = 0 } = data.sub_issues_summary ?? {};
  return total > completed;
}

function toOpen(issues: readonly { state: string; number: number; repository_url: string }[]): Blocker[] {
  return issues.flatMap(({ state, number, repository_url: url }) => {
    const repository = /\/repos\/([^/]+\/[^/]+)$/.exec(url)?.[1];
    return state === 'open' && repository !== undefined ? [{ repository, number }] : [];
  });
}

function endsWithName(url: string, fullName: string): boolean {
  return url.toLowerCase().endsWith(`/repos/${fullName}`.toLowerCase());
}
