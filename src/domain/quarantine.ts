import type { Outcome } from '../contract/attempt-result.ts';
import type { JobId } from '../contract/identifiers.ts';
import { BUDGETS, type Timings } from './timings.ts';

/** What is remembered of a runner's health. */
export type RunnerHealth = {
  /** Jobs in a row, each counted once, that failed fast for reasons of the machine or its agent. */
  failures: number;
  /** The newest of these jobs. */
  failedJobs: JobId[];
  /** No offers before this. */
  quarantinedUntilMs: number | null;
  quarantineReason: string | null;
};

/** An attempt that a runner had accepted, and how it ended. */
export type EndedWork = {
  jobId: JobId;
  outcome: Outcome;
  acceptedAtMs: number;
  /** When the runner last said something of it: of one that vanished, long before its lease was over. */
  lastHeardAtMs: number;
  /** One sentence for people. */
  reason: string;
};

/** Outcomes that speak of the machine, not of the work. */
const MACHINE_OUTCOMES: readonly Outcome[] = ['lost', 'agent_failed'];

/** Jobs remembered by name; a run of failures is longer only on a machine that has been broken for days. */
const MOST_FAILED_JOBS = 20;

/**
 * How an attempt's end changes its runner's health. A broken machine takes jobs fastest of all, since it fails them at once; so after
 * `BUDGETS.quickFailures` of them in a row it is passed over for a while: 10 s, doubling with each further one to 1 h, as Nomad and
 * Buildbot's latent workers do. One job that fails wherever it goes must not do that to a machine, so each counts once. Anything that
 * needs a working machine, red tests included, ends it; a slow failure says nothing. `null`: nothing changes.
 */
export function judgeRunner(
  runner: RunnerHealth & { takeovers: number; takeoversSinceMs: number },
  ended: EndedWork,
  now: {
    nowMs: number;
    timings: Pick<
      Timings,
      | 'quickFailureSeconds'
      | 'quarantineBaseSeconds'
      | 'quarantineMaxSeconds'
      | 'takeoverWindowSeconds'
      | 'sharedIdentitySeconds'
    >;
  },
): RunnerHealth | null {
  const { nowMs, timings } = now;
  if (isShared(runner, now)) return null;
  // Somebody else ended it: no news of the machine.
  if (ended.outcome === 'cancelled' || ended.outcome === 'timed_out') return null;
  if (!MACHINE_OUTCOMES.includes(ended.outcome)) {
    return { failures: 0, failedJobs: [], quarantinedUntilMs: null, quarantineReason: null };
  }
  if (ended.lastHeardAtMs - ended.acceptedAtMs > timings.quickFailureSeconds * 1000) return null;
  // A list without failures was left by a version that knew no list.
  const before = runner.failures === 0 ? [] : runner.failedJobs;
  if (before.includes(ended.jobId)) return null;

  const failures = runner.failures + 1;
  const failedJobs = [...before, ended.jobId].slice(-MOST_FAILED_JOBS);
  if (failures < BUDGETS.quickFailures) {
    const { quarantinedUntilMs, quarantineReason } = runner;
    return { failures, failedJobs, quarantinedUntilMs, quarantineReason };
  }
  const seconds = Math.min(
    timings.quarantineMaxSeconds,
    timings.quarantineBaseSeconds * 2 ** Math.min(failures - BUDGETS.quickFailures, 30),
  );
  return {
    failures,
    failedJobs,
    quarantinedUntilMs: nowMs + seconds * 1000,
    quarantineReason: `its last ${failures} jobs failed at once: ${ended.reason}`,
  };
}

/**
 * Whether several processes have worked under the identity lately. They break off each other's attempts, so that neither a failure nor a
 * success proves anything of either machine; and a success of one must not end the quarantine that is for both. One takeover may be a restart.
 */
function isShared(
  { takeovers, takeoversSinceMs }: Parameters<typeof judgeRunner>[0],
  { nowMs, timings }: Parameters<typeof judgeRunner>[2],
): boolean {
  if (takeovers < 2) return false;
  const seconds = timings.takeoverWindowSeconds;
  const quarantineSeconds = takeovers < BUDGETS.sessionTakeovers ? 0 : timings.sharedIdentitySeconds;
  return nowMs < takeoversSinceMs + (seconds + quarantineSeconds) * 1000;
}
