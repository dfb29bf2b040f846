import {
  reactionContents,
  type Issue,
  type IssueComment,
  type IssueEvent,
  type IssuePlace,
  type Reaction,
  type Repository,
} from '../world.ts';
import { authorAssociation, type AccountShapes } from './account-shapes.ts';
import { isoTime, isoTimeOrNull, nodeId } from './links.ts';
import type { RepositoryShapes } from './repository-shapes.ts';

/** JSON of issues, their comments and reactions. */
export function createIssueShapes(deps: { accounts: AccountShapes; repositories: RepositoryShapes }) {
  const { accounts, repositories } = deps;

  function webUrl(repository: Repository, issue: Issue): string {
    return `${repositories.webUrl(repository)}/${issue.pull ? 'pull' : 'issues'}/${issue.number}`;
  }

  function issue(repository: Repository, one: Issue) {
    const url = `${repositories.apiUrl(repository)}/issues/${one.number}`;
    const commentCount = repository.comments
      .values()
      .filter((c) => c.issueNumber === one.number)
      .toArray().length;
    return {
      url,
      repository_url: repositories.apiUrl(repository),
      labels_url: `${url}/labels{/name}`,
      comments_url: `${url}/comments`,
      events_url: `${url}/events`,
      html_url: webUrl(repository, one),
      id: one.id,
      node_id: nodeId('I', one.id),
      number: one.number,
      title: one.title,
      user: accounts.user(one.author),
      labels: one.labels.map((label) => repositories.label(repository, label)),
      state: one.state,
      locked: one.locked,
      assignee: accounts.userOrNull(one.assignees[0] ?? null),
      assignees: one.assignees.map((assignee) => accounts.user(assignee)),
      milestone: null,
      comments: commentCount,
      created_at: isoTime(one.createdAtMs),
      updated_at: isoTime(one.updatedAtMs),
      closed_at: isoTimeOrNull(one.closedAtMs),
      closed_by: accounts.userOrNull(one.closedBy),
      author_association: authorAssociation(repository, one.author),
      active_lock_reason: one.lockReason,
      ...(one.pull ? pullLinks(repository, one, one.pull.draft, one.pull.mergedAtMs) : {}),
      body: one.body,
      reactions: rollup(`${url}/reactions`, one.reactions),
      timeline_url: `${url}/timeline`,
      performed_via_github_app: accounts.viaApp(one.viaApp),
      state_reason: one.stateReason,
      ...(one.type === null
        ? {}
        : { type: { ...one.type, node_id: nodeId('IT', one.type.id), description: null } }),
      sub_issues_summary: summary(one.subIssues),
      issue_dependencies_summary: {
        blocked_by: countOpen(one.blockedBy),
        total_blocked_by: one.blockedBy.length,
        blocking: countOpen(one.blocking),
        total_blocking: one.blocking.length,
      },
    };
  }

  function pullLinks(repository: Repository, one: Issue, draft: boolean, mergedAtMs: number | null) {
    const page = webUrl(repository, one);
    return {
      draft,
      pull_request: {
        url: `${repositories.apiUrl(repository)}/pulls/${one.number}`,
        html_url: page,
        diff_url: `${page}.diff`,
        patch_url: `${page}.patch`,
        merged_at: isoTimeOrNull(mergedAtMs),
      },
    };
  }

  function comment(repository: Repository, issue: Issue, one: IssueComment) {
    const url = `${repositories.apiUrl(repository)}/issues/comments/${one.id}`;
    return {
      url,
      html_url: `${webUrl(repository, issue)}#issuecomment-${one.id}`,
      issue_url: `${repositories.apiUrl(repository)}/issues/${one.issueNumber}`,
      id: one.id,
      node_id: nodeId('IC', one.id),
      user: accounts.user(one.author),
      created_at: isoTime(one.createdAtMs),
      updated_at: isoTime(one.updatedAtMs),
      body: one.body,
      author_association: authorAssociation(repository, one.author),
      reactions: rollup(`${url}/reactions`, one.reactions),
      performed_via_github_app: accounts.viaApp(one.viaApp),
    };
  }

  function event(repository: Repository, one: IssueEvent) {
    return {
      id: one.id,
      node_id: nodeId('LE', one.id),
      url: `${repositories.apiUrl(repository)}/issues/events/${one.id}`,
      actor: accounts.user(one.actor),
      event: one.kind,
      commit_id: null,
      commit_url: null,
      created_at: isoTime(one.createdAtMs),
      performed_via_github_app: accounts.viaApp(one.viaApp),
      ...(one.label === null ? {} : { label: one.label }),
    };
  }

  function reaction(one: Reaction) {
    return {
      id: one.id,
      node_id: nodeId('REA', one.id),
      user: accounts.user(one.user),
      content: one.content,
      created_at: isoTime(one.createdAtMs),
    };
  }

  return { webUrl, issue, comment, event, reaction, rollup };
}

export type IssueShapes = ReturnType<typeof createIssueShapes>;

function countOpen(places: readonly IssuePlace[]): number {
  return places.filter(({ issue }) => issue.state === 'open').length;
}

function summary(parts: readonly IssuePlace[]) {
  const total = parts.length;
  const completed = total - countOpen(parts);
  return { total, completed, percent_completed: total === 0 ? 0 : Math.floor((completed / total) * 100) };
}

/** How often each reaction was given. */
function rollup(url: string, reactions: readonly Reaction[]) {
  const count = (content: string) => reactions.filter((one) => one.content === content).length;
  const counts = Object.fromEntries(reactionContents.map((content) => [content, count(content)]));
  return { url, total_count: reactions.length, ...counts };
}
