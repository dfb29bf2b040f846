import type { AttemptId, JobId } from '../contract/identifiers.ts';
import type { IssueSnapshot } from '../contract/issue-snapshot.ts';
import type { RepositoryRef } from '../contract/job.ts';
import type { ButtonName } from './check-run-buttons.ts';
import type { CommentReading } from './command-grammar.ts';

/** Who did it, as GitHub's webhook names the sender. */
export type Actor = { login: string; id: number; isBot: boolean };

/** A repository in an installation of ours: what every GitHub call needs to know. */
export type RepositoryTarget = { installationId: number; repository: RepositoryRef };

/**
 * Where a comment stands: in the conversation of an issue or pull request, in a thread on lines of one, or as the text of a review. GitHub
 * numbers each kind apart, and answers it in its own way. `threadId`: the first comment of the thread.
 */
export type CommentPlace =
  { kind: 'conversation' } | { kind: 'thread'; threadId: number } | { kind: 'review' };

/** One comment of a repository. */
export type CommentRef = { commentId: number; place: CommentPlace['kind'] };

/** What a webhook means to us, whatever GitHub calls it. */
export type Trigger =
  | {
      kind: 'label_added';
      /** Same intent, same key, whichever way we learnt of it: issue, label and the time of labelling. */
      key: string;
      target: RepositoryTarget;
      issueNumber: number;
      label: string;
      /** When the label was added, by GitHub's clock. */
      at: string;
      /** What the issue said when it was labelled: whoever added the label answers for this text, and for no later one. */
      issue: Pick<IssueSnapshot, 'title' | 'body'>;
      /** It was found late, and `issue` may have been rewritten since by somebody who may not start work. */
      isTextUnsure?: boolean;
      sender: Actor;
    }
  | {
      kind: 'label_removed';
      key: string;
      target: RepositoryTarget;
      issueNumber: number;
      label: string;
      sender: Actor;
    }
  | {
      kind: 'issue_ended';
      key: string;
      target: RepositoryTarget;
      issueNumber: number;
      how: 'closed' | 'deleted' | 'transferred' | 'locked';
      sender: Actor;
    }
  | {
      kind: 'comment';
      /** A comment is read once, as it was written: its id says all. */
      key: string;
      target: RepositoryTarget;
      /** Of the issue or pull request that was commented on. */
      issueNumber: number;
      isPullRequest: boolean;
      /** Of the review, where the comment is the text of one. */
      commentId: number;
      place: CommentPlace;
      /** That it came with, on lines or as its text. `wantsChanges`: it asks for work of itself, whatever its text says. */
      review: { id: number; wantsChanges: boolean } | null;
      /** When it was written, by GitHub's clock. */
      at: string;
      reading: Exclude<CommentReading, { kind: 'none' }>;
      /** What the issue said then: whoever asks for work answers for this text, and for no later one. */
      issue: Pick<IssueSnapshot, 'title' | 'body'>;
      /** Who wrote the comment. */
      sender: Actor;
    }
  | {
      kind: 'repositories_added';
      key: string;
      installationId: number;
      /** Full names; GitHub sends no more than id and name here, and none where the App may work again that was suspended. */
      repositories: { id: number; fullName: string }[];
    }
  | {
      /** The repository has another name, owner, default branch or visibility. */
      kind: 'repository_changed';
      key: string;
      target: RepositoryTarget;
    }
  | { kind: 'label_renamed'; key: string; target: RepositoryTarget; from: string; to: string }
  /** Off all issues at once, of which GitHub sends no events. */
  | { kind: 'label_deleted'; key: string; target: RepositoryTarget; label: string; sender: Actor }
  | {
      kind: 'repositories_removed';
      key: string;
      installationId: number;
      /** `all`: the App was uninstalled or suspended. */
      repositoryIds: number[] | 'all';
      why: string;
    }
  | {
      kind: 'check_run_completed';
      key: string;
      /** Of the App that made it; others' are none of our business. */
      appId: number;
      /** By its `external_id`, which anybody's App could have written. */
      attemptId: AttemptId;
    }
  | {
      kind: 'button_pressed';
      /** Each press is a delivery of its own. */
      key: string;
      target: RepositoryTarget;
      button: ButtonName;
      checkRun: CheckRunClaim;
      sender: Actor;
    }
  | {
      /** "Re-run" of a check run, or of all checks of a commit. */
      kind: 'rerun_asked';
      key: string;
      target: RepositoryTarget;
      /** Of the App whose checks they are. */
      appId: number;
      headCommit: string;
      /** The branch that GitHub takes the commit for; `null` for pushes to forks. */
      branch: string | null;
      /** The one check run that is meant, if it claims to be an attempt's. */
      checkRun: CheckRunClaim | null;
      sender: Actor;
    }
  | {
      /** The head of a pull request is another commit now. */
      kind: 'pull_request_moved';
      /** What is shown belongs to the commit, however often the branch comes back to it. */
      key: string;
      target: RepositoryTarget;
      pullRequestNumber: number;
      headCommit: string;
    }
  | {
      /** `ended`: it was merged or closed. */
      kind: 'pull_request_ended' | 'pull_request_reopened';
      /** Same turn, same key, whichever way we learnt of it. */
      key: string;
      target: RepositoryTarget;
      pullRequestNumber: number;
      /** Its id is 0 when nobody could say. */
      sender: Actor;
    }
  | {
      /** Somebody wants changes on a pull request. */
      kind: 'review_submitted';
      /** A review is submitted once. */
      key: string;
      target: RepositoryTarget;
      pullRequestNumber: number;
      reviewId: number;
      /** By GitHub's clock. */
      at: string;
      sender: Actor;
    }
  | {
      /** Somebody calls a thread of a review done, or not done any more. */
      kind: 'thread_turned';
      key: string;
      target: RepositoryTarget;
      pullRequestNumber: number;
      /** Its first comment's. */
      threadId: number;
      isResolved: boolean;
    }
  | {
      kind: 'branch_pushed';
      key: string;
      target: RepositoryTarget;
      branch: string;
      /** The settings file is another one now, or may be. */
      changesSettings: boolean;
    }
  | {
      /** All checks of an App on a commit have ended, and not all well. */
      kind: 'checks_failed';
      key: string;
      target: RepositoryTarget;
      appId: number;
      checkSuiteId: number;
      headCommit: string;
      branch: string;
    }
  | {
      /** A commit status failed, which is no check of an App. */
      kind: 'status_failed';
      key: string;
      target: RepositoryTarget;
      headCommit: string;
      /** Those that end at the commit. */
      branches: string[];
    }
  | {
      /** The head of a pull request, which may hold other settings than the default branch. */
      kind: 'settings_proposed';
      key: string;
      target: RepositoryTarget;
      pullRequestNumber: number;
      headCommit: string;
      /** In the repository that the pull request comes from. */
      branch: string;
      /** Whoever wrote it may have no rights here at all. */
      isFork: boolean;
    };

/** What a webhook says of a check run. Its `external_id` could have been written by anybody's App: all of it has to fit what we know. */
export type CheckRunClaim = {
  id: number;
  appId: number;
  headCommit: string;
  jobId: JobId;
  attemptId: AttemptId;
};
