import type { IssueSnapshot, JobSettings } from '../contract/job.ts';
import type { Job } from './job.ts';
import type { RepoSettings } from './repo-settings.ts';
import type { Trigger } from './trigger.ts';

/** `GET …/collaborators/{u}/permission`: maintain counts as write, triage as read. */
export type Permission = 'admin' | 'write' | 'read' | 'none';

/** The issue as GitHub has it now, read again before deciding, or why it can't be worked on. */
export type IssueReading =
  | { found: true; issue: IssueSnapshot; state: 'open' | 'closed'; locked: boolean; isPullRequest: boolean }
  | { found: false; reason: string };

/** Everything `decide` looks at. Nothing in here is read by `decide` itself. */
export type Situation = {
  trigger: Exclude<Trigger, { kind: 'repositories_added' | 'repositories_removed' }>;
  issue: IssueReading;
  permission: Permission;
  settings: RepoSettings;
  /** Jobs of this issue that have not ended. */
  liveJobs: readonly Job[];
};

/** What is to be done, always with a reason that a person can read. */
export type Decision =
  | {
      kind: 'start';
      reason: string;
      issue: IssueSnapshot;
      specialty: string;
      needs: string[];
      settings: JobSettings;
      instructions: string | null;
    }
  | { kind: 'cancel'; reason: string; jobs: readonly Job[]; deleteBranch: boolean }
  /** Nothing to do; logged, never shown on GitHub. */
  | { kind: 'ignore'; reason: string }
  /** Answered on the issue. */
  | { kind: 'refuse'; reason: string };
