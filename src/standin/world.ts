/** Account of a person, an organization or the App's bot. */
export type Account = {
  id: number;
  login: string;
  type: 'User' | 'Organization' | 'Bot';
  name: string | null;
  createdAtMs: number;
};

/** What a person may do in a repository, weakest first. */
export const roles = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const;
export type Role = (typeof roles)[number];

export type Label = { id: number; name: string; color: string; description: string | null };

export const reactionContents = [
  '+1',
  '-1',
  'laugh',
  'confused',
  'heart',
  'hooray',
  'rocket',
  'eyes',
] as const;
export type ReactionContent = (typeof reactionContents)[number];
export type Reaction = { id: number; content: ReactionContent; user: Account; createdAtMs: number };

/** An issue, or a pull request when `pull` is there: GitHub numbers and lists them together. */
export type Issue = {
  id: number;
  number: number;
  title: string;
  body: string | null;
  author: Account;
  viaApp: boolean;
  state: 'open' | 'closed';
  stateReason: 'completed' | 'not_planned' | 'duplicate' | 'reopened' | null;
  locked: boolean;
  lockReason: string | null;
  labels: Label[];
  assignees: Account[];
  reactions: Reaction[];
  createdAtMs: number;
  updatedAtMs: number;
  closedAtMs: number | null;
  closedBy: Account | null;
  /** Oldest first. */
  events: IssueEvent[];
  pull: PullRequest | null;
  blockedBy: IssuePlace[];
  blocking: IssuePlace[];
  subIssues: IssuePlace[];
  /** As the organisation has named it. */
  type: { id: number; name: string } | null;
};

export type IssuePlace = { repository: Repository; issue: Issue };

/** What happened to an issue, as its list of events tells; here only what was done to its labels, and closing. */
export type IssueEvent = {
  id: number;
  kind: 'labeled' | 'unlabeled' | 'closed' | 'reopened';
  actor: Account;
  viaApp: boolean;
  /** As it was then. */
  label: Pick<Label, 'name' | 'color'> | null;
  createdAtMs: number;
};

export type PullRequest = {
  id: number;
  /** Branch names without `refs/heads/`; both are of the same repository, forks do not exist here. */
  head: string;
  base: string;
  /**
   * Where the two branches stood when GitHub last looked; they follow pushes while the pull request is open.
   */
  headSha: string;
  baseSha: string;
  draft: boolean;
  maintainerCanModify: boolean;
  requestedReviewers: Account[];
  mergedAtMs: number | null;
  mergedBy: Account | null;
  mergeCommitSha: string | null;
};

export type IssueComment = {
  id: number;
  issueNumber: number;
  body: string;
  author: Account;
  viaApp: boolean;
  reactions: Reaction[];
  createdAtMs: number;
  updatedAtMs: number;
};

export type ReviewState = 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED';
export type Review = {
  id: number;
  pullNumber: number;
  author: Account;
  body: string;
  state: ReviewState;
  commitSha: string;
  submittedAtMs: number;
};

export type ReviewComment = {
  id: number;
  pullNumber: number;
  reviewId: number;
  inReplyTo: number | null;
  author: Account;
  body: string;
  path: string;
  line: number;
  side: 'LEFT' | 'RIGHT';
  /** Where it begins, when it is about several lines. */
  start: { line: number; side: 'LEFT' | 'RIGHT' } | null;
  commitSha: string;
  diffHunk: string;
  reactions: Reaction[];
  createdAtMs: number;
  updatedAtMs: number;
};

type CheckStatus = 'queued' | 'in_progress' | 'completed' | 'waiting' | 'requested' | 'pending';
export const checkConclusions = [
  'action_required',
  'cancelled',
  'failure',
  'neutral',
  'success',
  'skipped',
  'timed_out',
] as const;
export type CheckConclusion = (typeof checkConclusions)[number];

/** An App that is not the registered one: it has no credentials here, and only its checks are seen. */
export type OtherApp = { id: number; slug: string; name: string };

export type CheckSuite = {
  id: number;
  /** Whose checks they are; `null`: the registered App's. */
  otherApp: OtherApp | null;
  headSha: string;
  headBranch: string | null;
  before: string | null;
  /** Somebody asked for its checks again, and the App has not said anything of them since. */
  isAskedAgain: boolean;
  createdAtMs: number;
  updatedAtMs: number;
};

export type CheckAnnotation = {
  path: string;
  startLine: number;
  endLine: number;
  startColumn: number | null;
  endColumn: number | null;
  level: 'notice' | 'warning' | 'failure';
  message: string;
  title: string | null;
  rawDetails: string | null;
};

export type CheckAction = { label: string; description: string; identifier: string };

export type CheckRun = {
  id: number;
  suite: CheckSuite;
  headSha: string;
  name: string;
  externalId: string | null;
  detailsUrl: string | null;
  status: CheckStatus;
  conclusion: CheckConclusion | null;
  startedAtMs: number;
  completedAtMs: number | null;
  output: { title: string | null; summary: string | null; text: string | null };
  annotations: CheckAnnotation[];
  actions: CheckAction[];
  /** What the job behind it printed, of GitHub Actions; `null` where there is none. */
  log: string | null;
};

export type CommitStatus = {
  id: number;
  sha: string;
  state: 'error' | 'failure' | 'pending' | 'success';
  context: string;
  description: string | null;
  targetUrl: string | null;
  creator: Account;
  createdAtMs: number;
};

/** One active rule for branches; `pattern` matches the whole branch name, `*` standing for any text. */
export type BranchRule = { pattern: string; type: string; parameters?: Record<string, unknown> };

export type Repository = {
  id: number;
  owner: Account;
  name: string;
  description: string | null;
  private: boolean;
  archived: boolean;
  defaultBranch: string;
  /** The bare git repository on disk: the only truth for refs, commits and files. */
  folder: string;
  createdAtMs: number;
  updatedAtMs: number;
  pushedAtMs: number;
  /** Roles given to accounts by id; the owner is always admin. */
  roles: Map<number, Role>;
  labels: Label[];
  nextNumber: number;
  issues: Map<number, Issue>;
  /** Numbers that once were issues: deleted ones answer 410, transferred ones 301 to the new place. */
  deletedIssues: Set<number>;
  transferredIssues: Map<number, { repository: Repository; number: number }>;
  comments: Map<number, IssueComment>;
  reviews: Map<number, Review>;
  reviewComments: Map<number, ReviewComment>;
  /** Threads that somebody resolved, by the ids of their first comments. */
  resolvedThreads: Set<number>;
  checkSuites: Map<number, CheckSuite>;
  checkRuns: Map<number, CheckRun>;
  statuses: CommitStatus[];
  rules: BranchRule[];
  /** Whether a push makes an empty queued check suite for the App. */
  autoTriggerChecks: boolean;
  /** Commits made through REST by the App under its own name, which GitHub signs itself. */
  signedCommits: Set<string>;
};

export type PermissionLevel = 'read' | 'write' | 'admin';
export type Permissions = Record<string, PermissionLevel>;

export type Installation = {
  id: number;
  account: Account;
  /** Repository ids, or every repository of the account. */
  selection: 'all' | Set<number>;
  permissions: Permissions;
  events: string[];
  suspendedAtMs: number | null;
  suspendedBy: Account | null;
  createdAtMs: number;
  updatedAtMs: number;
};

/** The state that is not in git. Names are compared without regard to case, as GitHub does. */
export type World = ReturnType<typeof createWorld>;

const firstIds = {
  account: 101,
  repository: 20_001,
  issue: 300_001,
  pull: 400_001,
  comment: 500_001,
  label: 600_001,
  reaction: 700_001,
  review: 800_001,
  reviewComment: 900_001,
  checkSuite: 1_000_001,
  checkRun: 2_000_001,
  status: 3_000_001,
  installation: 4_000_001,
  token: 5_000_001,
  delivery: 6_000_001,
  issueEvent: 7_000_001,
  issueType: 7_500_001,
};

/** Makes an empty GitHub: accounts, repositories and installations, and ids whose ranges never overlap. */
export function createWorld() {
  const nextIds = new Map<string, number>(Object.entries(firstIds));
  const accounts = new Map<string, Account>();
  const repositories = new Map<number, Repository>();
  const formerNames = new Map<string, number>();
  const installations = new Map<number, Installation>();
  /** `organisation/team` in lower case → ids of its members. */
  const teams = new Map<string, Set<number>>();

  /** A fresh id; ranges differ by kind, so that a mixed-up id is never found by chance. */
  function newId(kind: keyof typeof firstIds): number {
    const id = nextIds.get(kind) ?? firstIds[kind];
    nextIds.set(kind, id + 1);
    return id;
  }

  function addAccount(account: Account): Account {
    accounts.set(account.login.toLowerCase(), account);
    return account;
  }

  function account(login: string): Account | undefined {
    return accounts.get(login.toLowerCase());
  }

  function repository(fullName: string): Repository | undefined {
    const wanted = fullName.toLowerCase();
    return repositories.values().find((one) => fullNameOf(one).toLowerCase() === wanted);
  }

  /** The repository that had this name before it was renamed or transferred. */
  function renamedRepository(fullName: string): Repository | undefined {
    return repositories.get(formerNames.get(fullName.toLowerCase()) ?? 0);
  }

  /** Puts a repository under another name or owner; it is found by its former one still. */
  function move(repository: Repository, to: { name: string } | { owner: Account }): void {
    formerNames.set(fullNameOf(repository).toLowerCase(), repository.id);
    Object.assign(repository, to);
  }

  /** The installation that covers the repository, suspended or not. */
  function installationOf(repository: Repository): Installation | undefined {
    return installations
      .values()
      .find(
        (one) =>
          one.account === repository.owner && (one.selection === 'all' || one.selection.has(repository.id)),
      );
  }

  function repositoriesOf(installation: Installation): Repository[] {
    return [...repositories.values()].filter((one) => installationOf(one) === installation);
  }

  return {
    accounts,
    repositories,
    installations,
    teams,
    newId,
    addAccount,
    account,
    repository,
    renamedRepository,
    move,
    installationOf,
    repositoriesOf,
  };
}

/** `owner/name`. */
export function fullNameOf(repository: Repository): string {
  return `${repository.owner.login}/${repository.name}`;
}

/** The role a person holds; everyone may read a public repository. */
export function roleOf(repository: Repository, account: Account): Role {
  if (repository.owner === account) return 'admin';
  const given = repository.roles.get(account.id) ?? 'none';
  return given === 'none' && !repository.private ? 'read' : given;
}

export function hasRole(repository: Repository, account: Account, wanted: Role): boolean {
  return roles.indexOf(roleOf(repository, account)) >= roles.indexOf(wanted);
}
