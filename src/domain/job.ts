import type { AttemptProgress, AttemptResult, Outcome, Phase } from '../contract/attempt-result.ts';
import type { Evidence } from '../contract/evidence.ts';
import type { AttemptId, JobId, RunnerId } from '../contract/identifiers.ts';
import type { IssueSnapshot } from '../contract/issue-snapshot.ts';
import type { JobKind, JobSettings, JobState, RepositoryRef } from '../contract/job.ts';
import type { Revision } from '../contract/revision.ts';

/** What the repository's settings say for a job: to its runner, and to the coordinator, which alone opens pull requests. */
export type AllJobSettings = JobSettings & {
  pullRequest?: PullRequestWishes;
  quiet?: boolean;
  /** Whether the issue is assigned to whoever asked. */
  assignIssue?: boolean;
  /** Specialties whose work on the same issue is to be merged first; absent = none. */
  after?: string[];
  /** Absent = no limit. */
  concurrency?: Concurrency;
  /** Whether the work waits until the settings no longer say so; absent = it doesn’t. */
  paused?: boolean;
};

/** Most jobs of a repository, and of them those of one specialty, that are at work at once; absent = as many as runners take. */
export type Concurrency = { repository?: number; specialty?: number };

/** How the pull request of a job is to be; absent = as if nothing had been said. */
export type PullRequestWishes = {
  /** Absent: a draft when no test confirms the work. */
  draft?: boolean | undefined;
  /** Branch that it goes into, and that the work begins from; absent = the default branch. */
  base?: string | undefined;
  /** Logins, `organisation/team`, or `who_asked`. */
  reviewers?: string[] | undefined;
  labels?: string[] | undefined;
  /** A login, or `who_asked`. */
  assignee?: string | undefined;
  /** Whether the branch goes when the pull request has been merged or closed, as long as nobody else pushed to it. */
  deleteBranch?: boolean | undefined;
  /** Whether conflicts with its base branch are resolved without anybody asking. */
  resolveConflicts?: boolean | undefined;
  /** How often, on each head, failed checks of others are worked on without anybody asking; absent = never. */
  fixChecks?: number | undefined;
};

/** What a job of kind `revise` is about; what its attempts find out when they begin is left out. */
export type JobRevision = Omit<Revision, 'baseCommit'> & {
  /** Revisions in a row up to this one, since a person last asked for one by a command. */
  counted: number;
  /** Logins that are asked for a review once more. */
  reviewers: string[];
  /** Threads that are to come with the next revision, by their ids; absent = none. */
  laterThreads?: number[];
  /** Who did the work before, and so is the first choice. */
  runnerId: RunnerId | null;
};

/** Stands for whoever asked for the job, where a login is expected: no login of GitHub has such a name. */
export const WHO_ASKED = 'who_asked';

/** What became of a pull request. `by`: a login; `null` when nobody could say. */
export type PullRequestEnd = { how: 'merged' | 'closed'; by: string | null; atMs: number };

/** One request for work, as the store keeps it. All times are milliseconds since the epoch, by the store's clock. */
export type Job = {
  id: JobId;
  kind: JobKind;
  state: JobState;
  /** Why it is in this state, for people: who cancelled it, which need nobody meets. */
  stateReason: string | null;
  installationId: number;
  repository: RepositoryRef;
  issue: IssueSnapshot;
  specialty: string;
  /** Capabilities that a runner must have beside the specialty. */
  needs: string[];
  settings: AllJobSettings;
  instructions: string | null;
  requestedBy: string;
  /** The account's number, which outlives its login; `null` for jobs from before it was kept. */
  requestedById: number | null;
  /** The label that asked for it; taking it off the issue cancels the job, whatever the settings say by then. */
  label: string | null;
  priority: number;
  /** What gave it its priority; `null`: nothing did. A person’s word goes before all labels of the issue. */
  prioritySource: { by: 'person' } | { by: 'label'; label: string } | null;
  branch: string;
  outcome: Outcome | null;
  /** `null` for work on an issue, and for revisions whose facts were lost with a store. */
  revision: JobRevision | null;
  /** That the work is in. `ended`: as far as we heard; absent while it is open. */
  pullRequest: { number: number; url: string; ended?: PullRequestEnd } | null;
  /** Number of the newest attempt; 0 before the first. */
  attemptNumber: number;
  /** Offers that a runner heard of and did not take. */
  offers: number;
  infrastructureRetries: number;
  workRetries: number;
  /** The job that a person retried with this one. */
  previousJobId: JobId | null;
  createdAtMs: number;
  updatedAtMs: number;
  /** Not offered before this. */
  runAtMs: number;
  finishedAtMs: number | null;
};

/** What people call a job's place before or behind others: the number that the queue sorts by, highest first. */
export const PRIORITIES = { high: 10, normal: 0, low: -10 } as const;
export type Priority = keyof typeof PRIORITIES;
export const PRIORITY_NAMES = ['high', 'normal', 'low'] as const satisfies readonly Priority[];

/** The most that an attempt may use. */
export type AttemptBudget = { maxBudgetUsd: number; maxMinutes: number };

/** One try at a job: one runner, one lease, one start commit, one check run. */
export type Attempt = {
  id: AttemptId;
  jobId: JobId;
  number: number;
  /** Grows with every offer of the attempt; fences stale runners. */
  epoch: number;
  base: { branch: string; commit: string } | null;
  /** Where the base branch stood when a revision began; `null` for work on issues. */
  baseHead: string | null;
  startCommit: string | null;
  checkRun: { id: number; url: string } | null;
  runner: { id: RunnerId; name: string } | null;
  /** What the limits of the day left it when it was offered; `null`: all that its job may use. */
  budget: AttemptBudget | null;
  phase: Phase | null;
  /** As its runner told last, while it is at work; `null` from runners that tell nothing of it. */
  progress: AttemptProgress | null;
  evidence: Evidence | null;
  result: AttemptResult | null;
  outcome: Outcome | null;
  createdAtMs: number;
  acceptedAtMs: number | null;
  finishedAtMs: number | null;
};

/** Something that happened to a job, for its timeline: the status comment, the demo and `yardmaster jobs`. */
export type JobEvent = {
  jobId: JobId;
  atMs: number;
  /** e.g. `queued`, `offered`, `declined`, `phase`, `evidence`, `pull_request`, `succeeded`. */
  kind: string;
  /** One line for people. */
  text: string;
};

/** Kinds of events that everybody should read: they are shown above the timeline. */
export const SETTINGS_NOTICE = 'settings_notice';
export const LIMIT_NOTICE = 'limit_notice';
/** Nobody named the specialty: which one was picked, and why. */
export const PICKED_NOTICE = 'picked_notice';
/** Strangers have open pull requests for the issue, beside which the work began. */
export const BESIDE_NOTICE = 'beside_notice';
/** Somebody asked for what a job has done already; only the newest one counts, while its pull request is open. */
export const ASKED_AGAIN_NOTICE = 'asked_again_notice';
/** GitHub did not do what the settings wish. */
export const WISH_NOTICE = 'wish_notice';

/** A runner as dispatch sees it. */
export type RunnerView = {
  id: RunnerId;
  name: string;
  hostname: string;
  specialties: string[];
  capabilities: string[];
  /** It was enrolled and has not been there since, so that nobody knows yet what its machine has. */
  isAwaited?: boolean;
  capacity: number;
  /** Attempts offered to it or held by it. */
  active: number;
  /** Whether its last poll had a free slot; with too little disk space it has none. */
  accepting: boolean;
  /** `online` while it polls; `draining` finishes what it has; `gone` has not been heard of; `revoked` may not come back. */
  state: 'online' | 'draining' | 'gone' | 'revoked';
  /** Gets no offers before this; `quarantineReason` says why, for people. */
  quarantinedUntilMs: number | null;
  quarantineReason: string | null;
  lastSeenAtMs: number;
  /** When it was last given an attempt; 0 = never. */
  lastAssignedAtMs: number;
  version: string;
  /** Which version of the runner API it speaks; `null`: nobody knows yet. */
  protocol?: string | null;
  /** How it is reached. */
  transport: 'coordinator' | 'github';
};
