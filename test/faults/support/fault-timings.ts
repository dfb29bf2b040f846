import { DEFAULT_TIMINGS, type Timings } from '../../../src/domain/timings.ts';

/** How much faster everything goes than in production, so that a lease lapses in seconds. Slow machines want less: `FAULT_PACE=10`. */
export const FASTER = Number(process.env['FAULT_PACE'] ?? 40);

/** How long anything may take that only waits for our programs, in milliseconds; far more than it takes. */
export const PATIENCE_MS = 2_400_000 / FASTER;

/**
 * The real timings, a fortieth of each (or what `FAULT_PACE` says): the arithmetic between them (a runner stops before the coordinator offers again) is the same.
 * What is only a rhythm of looking for work is short enough for tests; when a runner counts as gone stays as it is, since the long
 * poll, which is how an idle one is heard of, belongs to the protocol.
 */
export const FAULT_TIMINGS: Timings = {
  ...DEFAULT_TIMINGS,
  // More room than a fortieth: a runner may just be busy starting.
  acceptSeconds: (4 * DEFAULT_TIMINGS.acceptSeconds) / FASTER,
  leaseSeconds: DEFAULT_TIMINGS.leaseSeconds / FASTER,
  leaseGraceSeconds: DEFAULT_TIMINGS.leaseGraceSeconds / FASTER,
  leaseSafetySeconds: DEFAULT_TIMINGS.leaseSafetySeconds / FASTER,
  heartbeatSeconds: DEFAULT_TIMINGS.heartbeatSeconds / FASTER,
  avoidRunnerSeconds: 0.3,
  failedRunnerSeconds: DEFAULT_TIMINGS.failedRunnerSeconds / FASTER,
  quickFailureSeconds: DEFAULT_TIMINGS.quickFailureSeconds / FASTER,
  quarantineBaseSeconds: DEFAULT_TIMINGS.quarantineBaseSeconds / FASTER,
  quarantineMaxSeconds: 2,
  // One runner is killed and started again more often here than two of one identity would be.
  takeoverWindowSeconds: 0.1,
  cancelConfirmSeconds: DEFAULT_TIMINGS.cancelConfirmSeconds / FASTER,
  returnSeconds: DEFAULT_TIMINGS.returnSeconds / FASTER,
  storeReturnSeconds: DEFAULT_TIMINGS.storeReturnSeconds / FASTER,
  sweepSeconds: 0.2,
  retryBaseSeconds: 0.3,
  retryMaxSeconds: 3,
  overrunSeconds: DEFAULT_TIMINGS.overrunSeconds / FASTER,
  plannedStopSeconds: DEFAULT_TIMINGS.plannedStopSeconds / FASTER,
  retellSeconds: 0.2,
  pollRecheckSeconds: 0.25,
  progressReportSeconds: 0.3,
  taskLeaseSeconds: DEFAULT_TIMINGS.taskLeaseSeconds / FASTER,
  coordinatorGoneSeconds: DEFAULT_TIMINGS.coordinatorGoneSeconds / FASTER,
  // More than a fortieth: it must outlast what a frozen coordinator keeps locked, which PostgreSQL's own clock ends after 5 s.
  databaseSilentSeconds: 8,
  effectRetryBaseSeconds: 0.15,
  effectRetryMaxSeconds: 2,
  // As above, more room to accept: a runner that only reaches GitHub may just be starting, and looks around only now and then.
  githubAcceptSeconds: (4 * DEFAULT_TIMINGS.githubAcceptSeconds) / FASTER,
  githubLeaseSeconds: DEFAULT_TIMINGS.githubLeaseSeconds / FASTER,
  githubHeartbeatSeconds: DEFAULT_TIMINGS.githubHeartbeatSeconds / FASTER,
  githubWriteSeconds: DEFAULT_TIMINGS.githubWriteSeconds / FASTER,
  githubOfferLookSeconds: DEFAULT_TIMINGS.githubOfferLookSeconds / FASTER,
  githubLookSeconds: DEFAULT_TIMINGS.githubLookSeconds / FASTER,
  githubSilentSeconds: 1,
};

/** How often a runner that only reaches GitHub looks for work. */
export const GITHUB_POLL_SECONDS = 30 / FASTER;

/**
 * The looks for what no webhook told of, and how long one is another coordinator's: as much faster. Not part of the above: a sweep that
 * steps in would hide what is wrong with webhooks, and write where a test counts writes.
 */
export const SWEEP_TIMINGS = {
  deliverySweepSeconds: DEFAULT_TIMINGS.deliverySweepSeconds / FASTER,
  issueSweepSeconds: DEFAULT_TIMINGS.issueSweepSeconds / FASTER,
  issueSweepGraceSeconds: DEFAULT_TIMINGS.issueSweepGraceSeconds / FASTER,
  reportSweepSeconds: DEFAULT_TIMINGS.reportSweepSeconds / FASTER,
  sweepLeaseSeconds: DEFAULT_TIMINGS.sweepLeaseSeconds / FASTER,
  sweepRetrySeconds: DEFAULT_TIMINGS.sweepRetrySeconds / FASTER,
} satisfies Partial<Timings>;

/** How close together an installation's writes, and those that notify people, may be on GitHub; like all else, so much faster. */
export const WRITE_SPACING_MS = Math.ceil(1000 / FASTER);
export const COMMENT_SPACING_MS = Math.ceil(3000 / FASTER);
