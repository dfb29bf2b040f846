import type { CommentReading } from '../domain/choose-comments.ts';
import type { ReviewCommentReading, ReviewReading } from '../domain/choose-review-comments.ts';
import type { IssueReading } from '../domain/decide.ts';
import type { Permission } from '../domain/permission.ts';
import type { RepositoryRef } from '../contract/job.ts';
import type { FailedCheck } from '../contract/revision.ts';
import type { CheckRunContent } from '../domain/check-run-content.ts';
import type { SettingsPlace } from '../domain/settings-layers.ts';
import type { CommentRef, RepositoryTarget } from '../domain/trigger.ts';
import type { TeamReading } from '../domain/who-may-start.ts';

/** A pull request as it is now. */
export type PullRequestReading = {
  state: 'open' | 'merged' | 'closed';
  url: string;
  body: string;
  headCommit: string;
  /** That it is to be merged into. */
  base: string;
  locked: boolean;
  /** Whether it can be merged without conflicts; `null`: GitHub has not found out yet. */
  mergeable: boolean | null;
  mergedBy: string | null;
  /** As GitHub writes it. */
  closedAt: string | null;
};

export type StartCommit = {
  base: { branch: string; commit: string };
  startCommit: string;
};

export type FailedChecks = { checks: FailedCheck[]; withoutLog: string | null };

/** What of a check run is looked at. */
export type CheckRunReading = {
  etag: string | null;
  appId: number | null;
  externalId: string | null;
  status: string;
  /** `output.text`. */
  text: string;
};

/** `author`: bots bear no `[bot]` here. `association`: what the author is to the repository, in GitHub's words: `MEMBER`, `NONE`. */
export type ClosingPullRequest = {
  number: number;
  url: string;
  author: string | null;
  association: string;
};

/**
 * What the coordinator does on GitHub. Every call throws `GitHubError` when GitHub refuses or can't be reached; its `kind` says
 * whether to wait, to give up, or that the thing is gone. Calls that create look first, so all may be repeated after a crash.
 */
export type GitHub = {
  /** Reads: never cached. */
  readRepository(target: { installationId: number; fullName: string }): Promise<RepositoryRef>;
  readIssue(target: RepositoryTarget, issueNumber: number): Promise<IssueReading>;
  /** Open pull requests of the same repository that would close the issue when they are merged, a hundred at most; none where GitHub does not tell. */
  readClosingPullRequests(target: RepositoryTarget, issueNumber: number): Promise<ClosingPullRequest[]>;
  /** The commit that a branch stands at; `null` when there is no such branch. */
  readHead(target: RepositoryTarget, branch: string): Promise<string | null>;
  readPermission(target: RepositoryTarget, login: string): Promise<Permission>;
  /** Whether somebody is in one of the teams (`organisation/team`) of the repository's owner; one request for each. */
  readTeams(target: RepositoryTarget, login: string, teams: readonly string[]): Promise<TeamReading>;
  /** The newest of an issue's `count` comments, oldest first; `unread`: how many older ones there are. */
  readComments(
    target: RepositoryTarget,
    issueNumber: number,
    count: number,
  ): Promise<{ comments: CommentReading[]; unread: number }>;
  /**
   * The text of a settings file on the default branch of `place`, by default the repository's own `.github/yardmaster.yml`; `null` when
   * there is none, or none that this installation can see. `commit`: as it is there instead.
   */
  readSettingsFile(target: RepositoryTarget, place?: SettingsPlace, commit?: string): Promise<string | null>;
  /** Whether the pull request adds, changes, renames or removes the file; no when there is no such pull request. */
  changesFile(target: RepositoryTarget, pullRequestNumber: number, path: string): Promise<boolean>;

  /** Creates labels that are missing; leaves existing ones alone. */
  ensureLabels(
    target: RepositoryTarget,
    labels: readonly { name: string; color: string; description: string }[],
  ): Promise<void>;
  /** Assigns an issue or pull request; `null` when that was done, otherwise why it could not be, in a sentence. */
  assign(target: RepositoryTarget, number: number, login: string): Promise<string | null>;
  /** Takes a label off an issue; nothing happens when it is not there. */
  removeLabel(target: RepositoryTarget, issueNumber: number, label: string): Promise<void>;
  /**
   * The empty commit on the job's branch whose parent is the head of `base`, by default the default branch. `takeOver`: what this job's former
   * attempts have put on the branch, which may be moved from there; any other commit on the branch is a `conflict`.
   */
  ensureStartCommit(
    target: RepositoryTarget,
    wanted: { branch: string; base?: string | undefined; message: string; takeOver: readonly string[] },
  ): Promise<StartCommit>;
  /**
   * Creates the check run, or finds the one with the same name and `externalId` on that commit; one that has ended only if the wanted one
   * has, too.
   */
  ensureCheckRun(
    target: RepositoryTarget,
    wanted: {
      name: string;
      headCommit: string;
      externalId: string;
      content: CheckRunContent;
      mayExist: boolean;
    },
  ): Promise<{ id: number; url: string }>;
  updateCheckRun(target: RepositoryTarget, checkRunId: number, content: CheckRunContent): Promise<void>;
  /** Changes what the check run is called on our side, and nothing else. */
  setExternalId(target: RepositoryTarget, checkRunId: number, externalId: string): Promise<void>;
  /** The check run as it is, or `null` when it is as it was when `etag` was answered, which costs nothing of the request budget. */
  readCheckRun(
    target: RepositoryTarget,
    checkRunId: number,
    etag: string | null,
  ): Promise<CheckRunReading | null>;
  /**
   * The one comment of ours with `marker` at its start, such as the status comment of an issue: edits `commentId`; creates it when that is
   * `null`, unless there is one already. `null` when the issue can't be commented on (locked, deleted): then the check run has to tell. `mayRecreate: false`: a comment
   * that is gone stays gone, since a person has deleted it again.
   */
  publishStatusComment(
    target: RepositoryTarget,
    issueNumber: number,
    wanted: { commentId: number | null; mayRecreate: boolean; marker: string; body: string },
  ): Promise<{ id: number; url: string } | null>;
  /**
   * Reacts to a comment; once is enough. Nothing happens when the comment is gone or its conversation is locked, nor to the text of a review:
   * GitHub's REST API has no reactions to those.
   */
  reactToComment(
    target: RepositoryTarget,
    comment: CommentRef,
    reaction: 'eyes' | 'rocket' | 'confused',
  ): Promise<void>;
  /** `null` when it isn't there. */
  readPullRequest(target: RepositoryTarget, number: number): Promise<PullRequestReading | null>;
  /** Reviews, the oldest first, and comments on lines, in any order: of each the first or last few hundred. */
  readReviews(
    target: RepositoryTarget,
    pullRequestNumber: number,
  ): Promise<{ comments: ReviewCommentReading[]; reviews: ReviewReading[] }>;
  /**
   * Answers a thread of a review once: an answer of ours with `marker` at its start is enough. `mayExist`: look before. Nothing happens when the
   * comment is gone or its conversation is locked.
   */
  answerThread(
    target: RepositoryTarget,
    pullRequestNumber: number,
    wanted: { threadId: number; marker: string; body: string; mayExist: boolean },
  ): Promise<void>;
  /** The failed check runs of a suite, a few, cut. `withoutLog`: why the log of one could not be read, for people; `null`: there was no need, or it was. */
  readFailedChecks(target: RepositoryTarget, checkSuiteId: number): Promise<FailedChecks>;
  /** The same of all suites of other Apps on the commit, and its failed statuses, as far as they may be read. */
  readFailedOfCommit(target: RepositoryTarget, commit: string, ownAppId: number): Promise<FailedChecks>;
  /** Replaces the text of a pull request. */
  changePullRequestBody(target: RepositoryTarget, number: number, body: string): Promise<void>;
  /**
   * Opens the pull request of `head`, or finds the open one. `mayExist`: an earlier call may have opened it, so it is looked for first; it
   * counts as well if a person has closed or merged it since, as long as it is ours and ends at `headCommit`.
   */
  ensurePullRequest(
    target: RepositoryTarget,
    wanted: {
      head: string;
      base: string;
      title: string;
      body: string;
      draft: boolean;
      /** What we pushed; `null`: only an open one counts. */
      headCommit: string | null;
      mayExist: boolean;
    },
  ): Promise<{ number: number; url: string; headCommit: string; isOpen: boolean }>;
  /**
   * Asks for reviews, adds labels, assigns: each as far as GitHub lets us. Repeating it changes nothing. Answers what GitHub did not take,
   * in plain sentences.
   */
  addToPullRequest(
    target: RepositoryTarget,
    number: number,
    wanted: { reviewers: readonly string[]; labels: readonly string[]; assignee: string | null },
  ): Promise<string[]>;
  /** Removes the branch if it stands at one of `commits`; otherwise, or when there is none, leaves it. True when it was removed. */
  deleteBranch(target: RepositoryTarget, branch: string, commits: readonly string[]): Promise<boolean>;

  /** Minted by a direct call, never from a cache, for this one repository. */
  mintToken(
    target: RepositoryTarget,
    permissions: Readonly<Record<string, 'read' | 'write'>>,
  ): Promise<{ token: string; expiresAtMs: number }>;
  /** Ends a token at once; a token that is dead already is no error. */
  revokeToken(token: string): Promise<void>;
  /** The App itself: its id, slug, and the bot that its writes appear as. */
  identity(): Promise<{ appId: number; slug: string; bot: { login: string; id: number } }>;
};
