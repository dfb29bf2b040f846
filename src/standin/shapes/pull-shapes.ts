import type { Objects } from '../git/objects.ts';
import type { Writer } from '../git/writer.ts';
import type { Issue, PullRequest, Repository, Review, ReviewComment } from '../world.ts';
import { authorAssociation, type AccountShapes } from './account-shapes.ts';
import type { IssueShapes } from './issue-shapes.ts';
import { isoTime, isoTimeOrNull, nodeId } from './links.ts';
import type { RepositoryShapes } from './repository-shapes.ts';

/** An issue that is a pull request. */
export type Pull = Issue & { pull: PullRequest };

/** JSON of pull requests, reviews and review comments. Numbers about the diff are asked of git each time. */
export function createPullShapes(deps: {
  accounts: AccountShapes;
  repositories: RepositoryShapes;
  issues: IssueShapes;
  objects: Objects;
  writer: Writer;
}) {
  const { accounts, repositories, issues, objects, writer } = deps;

  function side(repository: Repository, ref: string, sha: string) {
    return {
      label: `${repository.owner.login}:${ref}`,
      ref,
      sha,
      user: accounts.user(repository.owner),
      repo: {
        ...repositories.repository(repository),
        allow_squash_merge: true,
        allow_merge_commit: true,
        allow_rebase_merge: true,
        allow_auto_merge: false,
        delete_branch_on_merge: false,
        allow_update_branch: false,
      },
    };
  }

  /** The pull request as lists show it. */
  function simplePull(repository: Repository, one: Pull) {
    const url = `${repositories.apiUrl(repository)}/pulls/${one.number}`;
    const issueUrl = `${repositories.apiUrl(repository)}/issues/${one.number}`;
    const page = issues.webUrl(repository, one);
    const statusesUrl = `${repositories.apiUrl(repository)}/statuses/${one.pull.headSha}`;
    const reviewCommentUrl = `${repositories.apiUrl(repository)}/pulls/comments{/number}`;
    return {
      url,
      id: one.pull.id,
      node_id: nodeId('PR', one.pull.id),
      html_url: page,
      diff_url: `${page}.diff`,
      patch_url: `${page}.patch`,
      issue_url: issueUrl,
      commits_url: `${url}/commits`,
      review_comments_url: `${url}/comments`,
      review_comment_url: reviewCommentUrl,
      comments_url: `${issueUrl}/comments`,
      statuses_url: statusesUrl,
      number: one.number,
      state: one.state,
      locked: one.locked,
      title: one.title,
      user: accounts.user(one.author),
      body: one.body,
      labels: one.labels.map((label) => repositories.label(repository, label)),
      milestone: null,
      active_lock_reason: one.lockReason,
      created_at: isoTime(one.createdAtMs),
      updated_at: isoTime(one.updatedAtMs),
      closed_at: isoTimeOrNull(one.closedAtMs),
      merged_at: isoTimeOrNull(one.pull.mergedAtMs),
      merge_commit_sha: one.pull.mergeCommitSha,
      assignee: accounts.userOrNull(one.assignees[0] ?? null),
      assignees: one.assignees.map((assignee) => accounts.user(assignee)),
      requested_reviewers: one.pull.requestedReviewers.map((reviewer) => accounts.user(reviewer)),
      requested_teams: [],
      head: side(repository, one.pull.head, one.pull.headSha),
      base: side(repository, one.pull.base, one.pull.baseSha),
      _links: {
        self: { href: url },
        html: { href: page },
        issue: { href: issueUrl },
        comments: { href: `${issueUrl}/comments` },
        review_comments: { href: `${url}/comments` },
        review_comment: { href: reviewCommentUrl },
        commits: { href: `${url}/commits` },
        statuses: { href: statusesUrl },
      },
      author_association: authorAssociation(repository, one.author),
      auto_merge: null,
      draft: one.pull.draft,
    };
  }

  /** The pull request in full, with what git says about the diff and whether it merges. */
  async function pull(repository: Repository, one: Pull) {
    const { folder } = repository;
    const { baseSha, headSha } = one.pull;
    const mergeBase = (await objects.mergeBase(folder, baseSha, headSha)) ?? baseSha;
    const [files, commitCount, merged] = await Promise.all([
      objects.changes(folder, mergeBase, headSha),
      objects.count(folder, mergeBase, headSha),
      one.state === 'open' ? writer.mergeTree(folder, baseSha, headSha) : null,
    ]);
    const mergeable = one.state === 'open' ? merged !== null : null;
    return {
      ...simplePull(repository, one),
      merged: one.pull.mergedAtMs !== null,
      mergeable,
      rebaseable: mergeable,
      mergeable_state: mergeableState(mergeable, one.pull.draft),
      merged_by: accounts.userOrNull(one.pull.mergedBy),
      comments: repository.comments
        .values()
        .filter((c) => c.issueNumber === one.number)
        .toArray().length,
      review_comments: repository.reviewComments
        .values()
        .filter((c) => c.pullNumber === one.number)
        .toArray().length,
      maintainer_can_modify: one.pull.maintainerCanModify,
      commits: commitCount,
      additions: files.reduce((sum, file) => sum + file.additions, 0),
      deletions: files.reduce((sum, file) => sum + file.deletions, 0),
      changed_files: files.length,
    };
  }

  function review(repository: Repository, one: Pull, item: Review) {
    const page = `${issues.webUrl(repository, one)}#pullrequestreview-${item.id}`;
    const pullUrl = `${repositories.apiUrl(repository)}/pulls/${one.number}`;
    return {
      id: item.id,
      node_id: nodeId('PRR', item.id),
      user: accounts.user(item.author),
      body: item.body,
      state: item.state as string,
      html_url: page,
      pull_request_url: pullUrl,
      author_association: authorAssociation(repository, item.author),
      _links: { html: { href: page }, pull_request: { href: pullUrl } },
      submitted_at: isoTime(item.submittedAtMs),
      commit_id: item.commitSha,
    };
  }

  function reviewComment(repository: Repository, one: Pull, item: ReviewComment) {
    const url = `${repositories.apiUrl(repository)}/pulls/comments/${item.id}`;
    const page = `${issues.webUrl(repository, one)}#discussion_r${item.id}`;
    const pullUrl = `${repositories.apiUrl(repository)}/pulls/${one.number}`;
    return {
      url,
      pull_request_review_id: item.reviewId,
      id: item.id,
      node_id: nodeId('PRRC', item.id),
      diff_hunk: item.diffHunk,
      path: item.path,
      commit_id: item.commitSha,
      original_commit_id: item.commitSha,
      user: accounts.user(item.author),
      body: item.body,
      created_at: isoTime(item.createdAtMs),
      updated_at: isoTime(item.updatedAtMs),
      html_url: page,
      pull_request_url: pullUrl,
      author_association: authorAssociation(repository, item.author),
      _links: { self: { href: url }, html: { href: page }, pull_request: { href: pullUrl } },
      reactions: issues.rollup(`${url}/reactions`, item.reactions),
      start_line: item.start?.line ?? null,
      original_start_line: item.start?.line ?? null,
      start_side: item.start?.side ?? null,
      line: item.line,
      original_line: item.line,
      side: item.side,
      position: item.line,
      original_position: item.line,
      subject_type: 'line',
      ...(item.inReplyTo === null ? {} : { in_reply_to_id: item.inReplyTo }),
    };
  }

  return { simplePull, pull, review, reviewComment };
}

/** The item as a pull request, or undefined when it is a mere issue. */
export function asPull(issue: Issue | undefined): Pull | undefined {
  return issue && isPull(issue) ? issue : undefined;
}

function isPull(issue: Issue): issue is Pull {
  return issue.pull !== null;
}

function mergeableState(mergeable: boolean | null, draft: boolean): string {
  if (mergeable === null) return 'unknown';
  if (!mergeable) return 'dirty';
  return draft ? 'draft' : 'clean';
}
