import { z } from 'zod';
import { Command } from './command-run.ts';
import { AttemptId, CommitId, JobId, Specialty } from './identifiers.ts';
import { IssueSnapshot } from './issue-snapshot.ts';
import { Revision } from './revision.ts';

export const JOB_STATES = [
  'queued',
  'held',
  'offered',
  'preparing',
  'running',
  'finishing',
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
  'timed_out',
  'dead',
  'refused',
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** What a job is for: to solve an issue, or to rework an open pull request of ours. */
export const JobKind = z.enum(['resolve', 'revise']);
export type JobKind = z.infer<typeof JobKind>;

export const RepositoryRef = z.object({
  id: z.int().positive(),
  owner: z.string(),
  name: z.string(),
  private: z.boolean(),
  defaultBranch: z.string(),
  /** Where git clones from, without any credential in it. */
  cloneUrl: z.url(),
  htmlUrl: z.url(),
});
export type RepositoryRef = z.infer<typeof RepositoryRef>;

/** Work that may not be published is kept on the job's branch, as a patch on the runner, or not at all. */
export const RefusedWork = z.enum(['branch', 'patch', 'discard']);
export type RefusedWork = z.infer<typeof RefusedWork>;

/** What is checked out besides the plain files of the repository, or less than all of them. Absent keys = no. */
export const Checkout = z.object({
  /** Whether files in Git LFS are there with their contents. */
  lfs: z.boolean().optional(),
  /** Whether submodules are there, as far as the job's token can read them. */
  submodules: z.boolean().optional(),
  /** Folders: only files in them, in the root and in the folders above them are there. */
  sparse: z.array(z.string()).optional(),
  /** Whether only the contents of the files that are checked out are fetched, of all commits. */
  partial: z.boolean().optional(),
});
export type Checkout = z.infer<typeof Checkout>;

/** What the repository's settings say for this job; `null` = let the runner decide. */
export const JobSettings = z.object({
  /** Which configured agent of the runner to use; `null` = the runner's default. */
  agent: z.string().nullable(),
  /** Further ones, in this order, for when those before can't be had; absent = none. */
  otherAgents: z.array(z.string()).optional(),
  /** For `agent`; another one takes the model of its own configuration. */
  model: z.string().nullable(),
  /** Commands that install dependencies; `null` = what the analysis finds, `[]` = none. */
  setupCommands: z.array(Command).nullable(),
  /** Commands that must all exit 0; `null` = what the analysis finds, `[]` = none. */
  testCommands: z.array(Command).nullable(),
  /** Markdown that replaces the built-in guidance of the specialty. */
  guidance: z.string().nullable(),
  maxMinutes: z.int().positive(),
  /** Agent turns; never 0, which the agent takes for unlimited. */
  maxTurns: z.int().positive(),
  maxBudgetUsd: z.number().positive(),
  /** How often a red test run goes back to the agent. */
  repairRounds: z.int().min(0),
  /** Whether work after which only those tests fail that failed before becomes a (draft) pull request; absent = no. */
  allowRedBefore: z.boolean().optional(),
  /** Whether work is put on the base branch as it stands when the work is done, and tested there; absent = yes. */
  rebase: z.boolean().optional(),
  /** Whether GitHub is to make and sign the commit; absent = where the rules of the base branch ask for it. */
  commits: z.enum(['signed', 'plain']).optional(),
  /** Patterns: only paths that one of them is for may be changed; absent = any. */
  allowedPaths: z.array(z.string()).optional(),
  /** Patterns of paths that only people may change, besides the built-in ones. */
  protectedPaths: z.array(z.string()).optional(),
  /** Patterns of paths that are not protected after all, be it built in. */
  unprotectedPaths: z.array(z.string()).optional(),
  /** Patterns of paths in which what looks like a secret is none; absent = nowhere. */
  fakeSecretPaths: z.array(z.string()).optional(),
  /** Whether the lines of a change that the tests ran are counted, where that costs nothing; absent = yes. */
  coverage: z.boolean().optional(),
  /** What becomes of work that may not be published; absent = `branch`. */
  refusedWork: RefusedWork.optional(),
  /** Absent = all plain files, nothing else. */
  checkout: Checkout.optional(),
  /** Hosts (`name`, `*.name`, either with `:port`) that agent, set-up and tests may reach as far as the runner's machine allows it; absent = none. */
  hosts: z.array(z.string()).optional(),
});
export type JobSettings = z.infer<typeof JobSettings>;

/** Everything a runner needs to work on one attempt. */
export const JobSpec = z.object({
  jobId: JobId,
  attemptId: AttemptId,
  attemptNumber: z.int().positive(),
  kind: JobKind,
  specialty: Specialty,
  /** REST root of the GitHub that the repository is on, e.g. `https://api.github.com`. */
  githubApiUrl: z.url(),
  repository: RepositoryRef,
  issue: IssueSnapshot,
  /** What the person who asked added, e.g. in `/agent run -- …`. */
  instructions: z.string().nullable(),
  requestedBy: z.string(),
  /** The account's number; absent in jobs of older coordinators. */
  requestedById: z.int().positive().optional(),
  /** `commit`: what the work is put on. Of a revision it is the head of the pull request, and `branch` what that is to be merged into. */
  base: z.object({ branch: z.string(), commit: CommitId }),
  /** Of jobs of kind `revise`. */
  revision: Revision.optional(),
  /** The branch that the work is pushed to. */
  branch: z.string(),
  /** Where `branch` stands until the push: the fence. */
  startCommit: CommitId,
  checkRun: z.object({
    id: z.int().positive(),
    name: z.string(),
    externalId: z.string(),
    appId: z.int().positive(),
  }),
  /** Who authors the commits: the App's bot. */
  commitAuthor: z.object({ name: z.string(), email: z.string() }),
  settings: JobSettings,
});
export type JobSpec = z.infer<typeof JobSpec>;

/** What an agent would be told of, if somebody asked for work on an issue now. */
export const JobPreview = JobSpec.pick({
  kind: true,
  specialty: true,
  githubApiUrl: true,
  repository: true,
  issue: true,
  instructions: true,
  requestedBy: true,
  base: true,
  revision: true,
  settings: true,
});
export type JobPreview = z.infer<typeof JobPreview>;
