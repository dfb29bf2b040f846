import { z } from 'zod';

export const JobId = z.uuid().brand<'JobId'>();
export type JobId = z.infer<typeof JobId>;

export const AttemptId = z.uuid().brand<'AttemptId'>();
export type AttemptId = z.infer<typeof AttemptId>;

export const RunnerId = z.uuid().brand<'RunnerId'>();
export type RunnerId = z.infer<typeof RunnerId>;

/** A git commit id in full: SHA-1 or SHA-256, lower case. */
export const CommitId = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'must be a full git commit id');

/** What an issue is routed by: lower case, e.g. `backend`. */
export const Specialty = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.-]{0,49}$/, 'must be 1 to 50 of a-z 0-9 . _ - and start with a letter or digit');

/** A fact probed on a machine: `python`, `node:22`, `os:linux`. */
export const Capability = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.:+-]{0,99}$/, 'must be lower case, such as python, node:22 or os:linux');

/** A program and its arguments; never a shell line. */
export const Command = z.array(z.string().min(1).max(32_000)).min(1).max(2000);
export type Command = z.infer<typeof Command>;

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

export const Phase = z.enum(['prepare', 'baseline', 'agent', 'verify', 'publish']);
export type Phase = z.infer<typeof Phase>;

export const Outcome = z.enum([
  'pull_request',
  'no_changes',
  'tests_failed',
  'agent_failed',
  'policy_refused',
  'timed_out',
  'cancelled',
  'lost',
]);
export type Outcome = z.infer<typeof Outcome>;

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

/** A comment on the issue by a person who may change the repository, as it was when the work was asked for. Hostile text all the same. */
export const IssueComment = z.object({
  author: z.string(),
  /** As GitHub writes it. */
  createdAt: z.string(),
  /** May be cut, which is said at its end. */
  body: z.string(),
});
export type IssueComment = z.infer<typeof IssueComment>;

/** The issue as it stood when the work was asked for. Later edits don't reach the agent. Hostile text. */
export const IssueSnapshot = z.object({
  number: z.int().positive(),
  id: z.int().positive(),
  title: z.string(),
  body: z.string(),
  author: z.string(),
  labels: z.array(z.string()),
  /** Name of the issue's type; absent where it has none. */
  type: z.string().optional(),
  htmlUrl: z.url(),
  /** Oldest first; absent where none were looked at. */
  comments: z.array(IssueComment).optional(),
  /** How many comments are not among them, and why. */
  commentsLeftOut: z
    .object({
      /** By people who may not change the repository. */
      untrusted: z.int().nonnegative(),
      /** Changed since the work was asked for. */
      edited: z.int().nonnegative(),
      /** Too many, or too long. */
      unread: z.int().nonnegative(),
    })
    .optional(),
});
export type IssueSnapshot = z.infer<typeof IssueSnapshot>;

/** Why a pull request of ours is reworked: a command, a review, conflicts with its base branch, or a failed check of somebody else. */
export const RevisionCause = z.enum(['asked', 'review', 'conflict', 'checks']);
export type RevisionCause = z.infer<typeof RevisionCause>;

/** A place in the pull request that reviewers talk about, with what people who may change the repository said there. Hostile text. */
export const ReviewThread = z.object({
  /** Its first comment's, by which it is answered. */
  id: z.int().positive(),
  path: z.string(),
  /** `null` when the pull request does not show the line any more. */
  line: z.int().positive().nullable(),
  /** The lines of the diff that it is about; may be cut. */
  hunk: z.string(),
  /** Oldest first. */
  comments: z.array(IssueComment),
});
export type ReviewThread = z.infer<typeof ReviewThread>;

/** A check of somebody else that failed on the head of the pull request. Hostile text, cut where it is long. */
export const FailedCheck = z.object({
  name: z.string(),
  /** What it says of itself: title, summary, and the end of its log, as far as it shows one. */
  output: z.string(),
  annotations: z.array(z.object({ path: z.string(), line: z.int(), message: z.string() })),
});
export type FailedCheck = z.infer<typeof FailedCheck>;

/** What a job of kind `revise` is about, as it stood when it was asked for. */
export const Revision = z.object({
  pullRequest: z.object({ number: z.int().positive(), url: z.url() }),
  cause: RevisionCause,
  /** Counts all revisions of the pull request, from 1. */
  round: z.int().positive(),
  /** What reviewers said about the whole, oldest first. */
  reviews: z.array(IssueComment),
  /** Those without an answer. Agents and people know them by their places in this list, from 1. */
  threads: z.array(ReviewThread),
  commentsLeftOut: IssueSnapshot.shape.commentsLeftOut,
  checks: z.array(FailedCheck),
  /** Whether the base branch is merged in first, since GitHub can't merge the two. */
  mergeBase: z.boolean(),
  /** Where the base branch stands: what is merged, and where the repository's instructions for agents are read. */
  baseCommit: CommitId,
});
export type Revision = z.infer<typeof Revision>;

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

/** One command that the runner ran, and what it saw. */
export const CommandRun = z.object({
  command: Command,
  /** `null` when it was ended by a signal or could not be started. */
  exitCode: z.int().nullable(),
  timedOut: z.boolean(),
  durationMs: z.number().nonnegative(),
  /** The last part of stdout and stderr together, redacted, without control characters, at most 8 KiB. */
  outputTail: z.string().max(16_384),
});
export type CommandRun = z.infer<typeof CommandRun>;

export const TestCounts = z.object({
  passed: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  skipped: z.int().nonnegative(),
});
export type TestCounts = z.infer<typeof TestCounts>;

export const TestRun = z.object({
  /** `not_run` when set-up failed, or there are no test commands. */
  verdict: z.enum(['passed', 'failed', 'not_run']),
  runs: z.array(CommandRun).max(20),
  /** Sum over `runs` where the test framework's own summary could be read, else `null`. */
  counts: TestCounts.nullable(),
});
export type TestRun = z.infer<typeof TestRun>;

/** Tests by name, the list may be cut: hostile text, redacted, in one line each. */
export const NamedTests = z.object({
  names: z.array(z.string().max(300)).max(50),
  /** How many there are in all. */
  total: z.int().nonnegative(),
});
export type NamedTests = z.infer<typeof NamedTests>;

/** What became of each single test, where the frameworks tell of them. */
export const TestChanges = z.object({
  /** Failed before, pass now. */
  newlyPassing: NamedTests,
  /** Fail now, and passed or were not there before. */
  newlyFailing: NamedTests,
  stillFailing: NamedTests,
  /** Failed, and passed when run once more without any change. */
  flaky: NamedTests,
  /** Were there before, and are not run any more. */
  gone: NamedTests,
  /**
   * Whether surely every failing test is among them: each red command told its tests, and as many as its summary counts. Otherwise
   * nothing may be concluded from a test that is not listed.
   */
  complete: z.boolean(),
});
export type TestChanges = z.infer<typeof TestChanges>;

/** A test that fails, with the words of its framework: hostile text, redacted. */
export const FailedTest = z.object({
  name: z.string().max(300),
  /** May be empty. */
  message: z.string().max(2000),
  /** The line of the pushed work that the framework names; `null` when it names none that is there. */
  place: z.object({ path: z.string().max(1000), line: z.int().positive() }).nullable(),
});
export type FailedTest = z.infer<typeof FailedTest>;

/** What came of it that the base branch had moved on when the work was done. */
export const Rebase = z.object({
  /** The base branch. */
  branch: z.string().max(255),
  /** What the work was begun from. */
  from: CommitId,
  /** Where the branch stood at the end; `null` when that could not be seen. */
  onto: CommitId.nullable(),
  /**
   * `rebased`: the work was put there, tested, and published so. Otherwise it is published on `from`: there are conflicts, tests turned
   * red there, or there was another reason.
   */
  kind: z.enum(['rebased', 'conflict', 'red', 'not_tried']),
  /** What stood in the way, for people: hostile text, redacted. Empty when nothing did. */
  reason: z.string().max(2000),
});
export type Rebase = z.infer<typeof Rebase>;

/** How many of the changed lines that hold something to run the tests ran, as the repository's own tools tell. */
export const Coverage = z.object({
  covered: z.int().nonnegative(),
  lines: z.int().positive(),
  /** Those with most lines that nothing ran. */
  files: z
    .array(
      z.object({ path: z.string().max(1000), covered: z.int().nonnegative(), lines: z.int().positive() }),
    )
    .max(20),
});
export type Coverage = z.infer<typeof Coverage>;

/** Something that was tried and not let through by the sandbox. */
export const RefusedHost = z.object({
  /** `name:port`, as it was asked for: hostile text. */
  host: z.string().max(300),
  by: z.enum(['agent', 'setup', 'tests']),
  /**
   * `not_named`: nobody allows it. `not_here`: the repository's settings do, but not the machine. `not_public`: both do, but it leads into a
   * network of the machine's own, or nowhere.
   */
  why: z.enum(['not_named', 'not_here', 'not_public']),
});
export type RefusedHost = z.infer<typeof RefusedHost>;

/** What the runner itself saw: never what the agent says. */
export const Evidence = z.object({
  setup: z.array(CommandRun).max(20),
  /** On the untouched base; `null` when not reached. */
  before: TestRun.nullable(),
  /** On the work of the agent; `null` when not reached. */
  after: TestRun.nullable(),
  /** Why each command of set-up and tests was chosen; absent in evidence of older runners. */
  reasons: z
    .array(z.object({ command: Command, reason: z.string().max(500) }))
    .max(40)
    .optional(),
  /** Why there is no test command, when there is none. */
  withoutTests: z.string().max(2000).nullable(),
  /** How often a red result was given back to the agent. */
  repairRounds: z.int().nonnegative(),
  /** Absent where no framework told of single tests, before or after. */
  tests: TestChanges.optional(),
  /** The first of the tests that fail after the work; absent where no framework told of any. */
  failures: z.array(FailedTest).max(20).optional(),
  /** Absent where the base branch had not moved, or nobody looked. */
  rebase: Rebase.optional(),
  /** Absent where nothing tells, or it was not looked at. */
  coverage: Coverage.optional(),
  /** The first of them, each once; absent where nothing was refused. */
  refusedHosts: z.array(RefusedHost).max(50).optional(),
});
export type Evidence = z.infer<typeof Evidence>;

export const Usage = z.object({
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  /** The agent's own estimate; `null` when it gives none. */
  costUsd: z.number().nonnegative().nullable(),
  turns: z.int().nonnegative(),
});
export type Usage = z.infer<typeof Usage>;

export const FileChange = z.object({
  path: z.string().max(4096),
  status: z.enum(['added', 'modified', 'deleted', 'renamed', 'mode']),
  /** Lines; `null` for binary files. */
  added: z.int().nonnegative().nullable(),
  removed: z.int().nonnegative().nullable(),
  /** The repository calls it generated (`linguist-generated`), so GitHub folds it; absent = no. */
  generated: z.boolean().optional(),
});
export type FileChange = z.infer<typeof FileChange>;

/** How an attempt ended, as the runner reports it. */
export const AttemptResult = z.object({
  outcome: Outcome.exclude(['lost']),
  /** One sentence for people: why it ended so. */
  reason: z.string().max(2000),
  /** Whether the same again might go better (the agent's service was down, it crashed); drives automatic retries. */
  retryable: z.boolean(),
  /** The pushed head of the branch; `null` when nothing was pushed. */
  headCommit: CommitId.nullable(),
  /** The agent's own words about its work: hostile text. */
  summary: z.string().max(20_000),
  changes: z.array(FileChange).max(300),
  /** How many files changed in all, `changes` may be cut. */
  changedFiles: z.int().nonnegative(),
  /** What is not among them, since tools made it on the way: a folder with a slash at its end, or a file; may be cut. Absent = nothing. */
  leftOut: z
    .array(z.object({ path: z.string().max(1000), what: z.string().max(100), files: z.int().positive() }))
    .max(20)
    .optional(),
  agent: z.object({
    name: z.string().max(1000),
    version: z.string().max(1000).nullable(),
    model: z.string().max(1000).nullable(),
    /** Those that would have come before it, and why they could not do the work; absent = none. Their share of `usage` is in there. */
    passedOver: z
      .array(z.object({ name: z.string().max(1000), reason: z.string().max(2000) }))
      .max(10)
      .optional(),
  }),
  usage: Usage,
  evidence: Evidence,
  phaseMs: z.partialRecord(Phase, z.number().nonnegative()),
  /** `bubblewrap`, or `none` when the agent ran without a sandbox. */
  sandbox: z.enum(['bubblewrap', 'none']),
  /** Which limit ended the work before it was done, in a sentence; what there is becomes a draft. Absent = it was done. */
  unfinished: z.string().max(2000).optional(),
  /**
   * Threads of the revision that the agent was told of, by their ids: the others had no room. Absent = all of them, or nobody knows.
   */
  toldThreads: z.array(z.int().positive()).max(100).optional(),
  /** Somebody pushed to the branch of a pull request while it was reworked: this says nothing of the runner. Absent = no. */
  overtaken: z.boolean().optional(),
});
export type AttemptResult = z.infer<typeof AttemptResult>;
