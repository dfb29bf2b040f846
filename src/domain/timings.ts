/**
 * Every clock of the job protocol, in one place. The defaults have precedents in Buildkite, actions/runner, GitLab,
 * Nomad, Temporal and Woodpecker. Tests hand in shorter ones; nothing else may hold a figure of its own.
 *
 * Lease arithmetic: a runner stops by itself at `leaseSeconds - leaseSafetySeconds` after its last answered heartbeat
 * (plus the time to kill the agent), well before the coordinator offers the job again at `leaseSeconds + leaseGraceSeconds`.
 */
export type Timings = {
  /** How long a runner has to accept an offer. */
  acceptSeconds: number;
  leaseSeconds: number;
  /** Added by the sweeper to a lapsed lease before the attempt counts as lost. */
  leaseGraceSeconds: number;
  /** Taken off by the runner for its own deadline. */
  leaseSafetySeconds: number;
  /** Between heartbeats, ± 20 %. */
  heartbeatSeconds: number;
  /** How long a runner that declined or missed an offer is passed over for this job. */
  avoidRunnerSeconds: number;
  /** How long, from when a retry is due, it waits for a busy runner rather than going back to the one on which it failed. */
  failedRunnerSeconds: number;
  /** An attempt that fails for reasons of the machine within this time of its acceptance is a fast failure. */
  quickFailureSeconds: number;
  /**
   * How long a runner gets no offers after `BUDGETS.quickFailures` fast failures in a row; doubles with each further one, at most
   * `quarantineMaxSeconds`.
   */
  quarantineBaseSeconds: number;
  quarantineMaxSeconds: number;
  /** Within this time, `BUDGETS.sessionTakeovers` sessions that took over a living one mean two processes with one identity. */
  takeoverWindowSeconds: number;
  /** How long such a runner gets no offers. */
  sharedIdentitySeconds: number;
  /** A runner whose last poll or heartbeat is older than this counts as gone. */
  runnerGoneSeconds: number;
  /** After this, a cancel counts as done even if the runner has not confirmed it. */
  cancelConfirmSeconds: number;
  /** How long a session lives. */
  sessionSeconds: number;
  /** How long a one-time enrolment token lives, at the most. */
  enrollTokenSeconds: number;
  /** After a coordinator outage no lease is judged before every runner had this long to come back. */
  returnSeconds: number;
  /** The same after an outage of the store alone, when the coordinator itself was there all the time. */
  storeReturnSeconds: number;
  /** Between looks at lapsed offers, leases and delayed retries. */
  sweepSeconds: number;
  /** First wait before an automatic retry; doubles, ± 50 %, at most `retryMaxSeconds`. */
  retryBaseSeconds: number;
  retryMaxSeconds: number;
  /** Added to a job's longest run before the coordinator ends it itself: the runner should have done so. */
  overrunSeconds: number;
  /** The lease that heartbeats get while the coordinator is being stopped as planned. */
  plannedStopSeconds: number;
  /** After a long poll was told of something, it is not told again before this. */
  retellSeconds: number;
  /** A waiting long poll looks again after this, in case a wake-up was lost. */
  pollRecheckSeconds: number;
  /** Between two looks whether a blocked job may go on; anybody who closes an issue asks for one. */
  blockedLookSeconds: number;
  /** Between two edits of a status comment that only tell of progress; how something ended is told at once. */
  progressReportSeconds: number;
  /** How long one step of the inbox or outbox may take before another coordinator takes it over. */
  taskLeaseSeconds: number;
  /** Among several coordinators: after this long without a connection to the database, one counts as gone and its steps are taken over. */
  coordinatorGoneSeconds: number;
  /**
   * A connection to PostgreSQL is given up after this long without an answer. Longer than the minute that the server gives a statement, and short
   * enough that runners, which hold their leases for `leaseSeconds`, outlast it.
   */
  databaseSilentSeconds: number;
  /** First wait before a side effect on GitHub is tried again; doubles, at most `effectRetryMaxSeconds`. */
  effectRetryBaseSeconds: number;
  effectRetryMaxSeconds: number;
  /**
   * The same for runners that only reach GitHub. They look for offers every half minute, and four times as rarely when the installation's
   * request budget runs low; so they get longer to accept, and a lease of 15 heartbeats.
   */
  githubAcceptSeconds: number;
  githubLeaseSeconds: number;
  /** The least; longer when many attempts share the write budget of an installation: see `githubWriteSeconds`. */
  githubHeartbeatSeconds: number;
  /** Between two updates of one check run, for each attempt under way: 400 writes an hour for all of them. */
  githubWriteSeconds: number;
  /** Between two looks of the coordinator at a check run: while it is offered, and while it is worked on. */
  githubOfferLookSeconds: number;
  githubLookSeconds: number;
  /** How long such a runner is offered nothing after it let an offer lapse. */
  githubSilentSeconds: number;
  /** Between looks at GitHub for webhooks that did not reach us. GitHub keeps failed ones for three days. */
  deliverySweepSeconds: number;
  /** Between looks for what no webhook told of: labels, closed issues, commands. */
  issueSweepSeconds: number;
  /** What is younger than this is left to its webhook, which may be on its way. */
  issueSweepGraceSeconds: number;
  /** Between looks whether check runs and comments of live jobs are still there. */
  reportSweepSeconds: number;
  /** Between looks whether the App is still installed where jobs are under way. */
  installationSweepSeconds: number;
  /** Between refreshes of the places in the queue that status comments tell. */
  queuePlaceSeconds: number;
  /** How long a sweep may take before another coordinator begins it anew, and after how long a failed one is tried again. */
  sweepLeaseSeconds: number;
  sweepRetrySeconds: number;
};

export const DEFAULT_TIMINGS: Timings = {
  acceptSeconds: 30,
  leaseSeconds: 240,
  leaseGraceSeconds: 15,
  leaseSafetySeconds: 30,
  heartbeatSeconds: 15,
  avoidRunnerSeconds: 60,
  failedRunnerSeconds: 300,
  quickFailureSeconds: 60,
  quarantineBaseSeconds: 10,
  quarantineMaxSeconds: 3600,
  takeoverWindowSeconds: 300,
  sharedIdentitySeconds: 600,
  runnerGoneSeconds: 120,
  cancelConfirmSeconds: 60,
  sessionSeconds: 3600,
  enrollTokenSeconds: 3600,
  returnSeconds: 300,
  storeReturnSeconds: 120,
  sweepSeconds: 5,
  retryBaseSeconds: 30,
  retryMaxSeconds: 1800,
  overrunSeconds: 120,
  plannedStopSeconds: 900,
  retellSeconds: 5,
  pollRecheckSeconds: 5,
  blockedLookSeconds: 60,
  progressReportSeconds: 10,
  taskLeaseSeconds: 300,
  coordinatorGoneSeconds: 15,
  databaseSilentSeconds: 70,
  effectRetryBaseSeconds: 5,
  effectRetryMaxSeconds: 300,
  githubAcceptSeconds: 300,
  githubLeaseSeconds: 900,
  githubHeartbeatSeconds: 60,
  githubWriteSeconds: 9,
  githubOfferLookSeconds: 10,
  githubLookSeconds: 20,
  githubSilentSeconds: 600,
  deliverySweepSeconds: 300,
  issueSweepSeconds: 900,
  issueSweepGraceSeconds: 60,
  reportSweepSeconds: 3600,
  installationSweepSeconds: 86_400,
  queuePlaceSeconds: 300,
  sweepLeaseSeconds: 600,
  sweepRetrySeconds: 60,
};

/** How often things may go wrong before a job is given up. */
export const BUDGETS = {
  /** Offers that nobody accepted, before the job is `dead`. */
  offers: 10,
  /** Attempts lost to the infrastructure (lease lapsed, runner gone). */
  infrastructureRetries: 3,
  /** Automatic new attempts after a failure that might go better. */
  workRetries: 2,
  /** Tries of a side effect that fails for a reason we don't understand. */
  effectTries: 5,
  /** Jobs in a row that a runner failed fast, each counted once, before it is passed over. */
  quickFailures: 3,
  /** Sessions of one runner that took over a living one, before it counts as two processes. A restart after a crash is one. */
  sessionTakeovers: 4,
  /** Comments with commands that one person may write in a repository, and within how many minutes. Twice what anybody has needed. */
  commandsPerPerson: 20,
  commandWindowMinutes: 10,
  /** Branch names tried when the wanted one is taken. */
  branchNames: 6,
  /** Revisions of a pull request in a row, before a person has to look at it. */
  revisionRounds: 5,
  /** Webhooks asked for again in one sweep. */
  redeliveries: 100,
  /** Places in each specialty's queue whose changes are told without another reason, to spare GitHub's limit for content. */
  toldQueuePlaces: 5,
  /** For how long a runner keeps the patch of work that was not accepted. */
  refusedPatchDays: 30,
  /** For how long a coordinator keeps the logs of attempts that have ended, unless it is told otherwise. */
  keptLogDays: 30,
  /** How many workspaces of attempts that were lost to others a runner keeps, the newest, and for how long. */
  workspacesAside: 3,
  /** How many workspaces a runner keeps for next rounds of their pull requests, the newest, and for how long unless it is told otherwise. */
  keptWorkspaces: 5,
  keptWorkspaceHours: 72,
  asideDays: 7,
} as const;
