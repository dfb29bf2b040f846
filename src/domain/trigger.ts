import type { AttemptId, IssueSnapshot, RepositoryRef } from '../contract/job.ts';
import type { CommentReading } from './command-grammar.ts';

/** Who did it, as GitHub's webhook names the sender. */
export type Actor = { login: string; id: number; isBot: boolean };

/** A repository in an installation of ours: what every GitHub call needs to know. */
export type RepositoryTarget = { installationId: number; repository: RepositoryRef };

/** What a webhook means to us, whatever GitHub calls it. */
export type Trigger =
  | {
      kind: 'label_added';
      /** Same intent, same key, whichever way we learnt of it: issue, label and the time of labelling. */
      key: string;
      target: RepositoryTarget;
      issueNumber: number;
      label: string;
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
      commentId: number;
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
      /** Full names; GitHub sends no more than id and name here. */
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
    };
