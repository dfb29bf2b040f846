import type { Outcome } from '../contract/job.ts';
import type { Timings } from './timings.ts';

/** What is remembered of a runner's health. */
export type RunnerHealth = {
  /** Attempts in a row that failed fast for reasons of the machine or its agent. */
  failures: number;
  /** No offers before this. */
  quarantinedUntilMs: number | null;
  quarantineReason: string | null;
};

/** Outcomes that speak of the machine, not of the work. */
const MACHINE_OUTCOMES: readonly Outcome[] = ['lost', 'agent_failed'];

/**
 * How an attempt's end changes its runner's health. A broken machine takes jobs fastest of all, since it fails them at once; so after each
 * fast failure it is passed over for a while: 10 s, doubling to 1 h, as Nomad and Buildbot's latent workers do. Anything that needs a
 * working machine, red tests included, ends that; a slow failure says nothing. `null`: nothing changes.
 */
export function judgeRunner(
  health: Pick<RunnerHealth, 'failures'>,
  ended: { outcome: Outcome; acceptedAtMs: number; reason: string },
  now: {
    nowMs: number;
    timings: Pick<Timings, 'quickFailureSeconds' | 'quarantineBaseSeconds' | 'quarantineMaxSeconds'>;
  },
): RunnerHealth | null {
  const { nowMs, timings } = now;
  // Somebody else ended it: no news of the machine.
  if (ended.outcome === 'cancelled' || ended.outcome === 'timed_out') return null;
  if (!MACHINE_OUTCOMES.includes(ended.outcome))
    return { failures: 0, quarantinedUntilMs: null, quarantineReason: null };
  if (nowMs - ended.acceptedAtMs > timings.quickFailureSeconds * 1000) return null;

  const failures = health.failures + 1;
  const seconds = Math.min(
    timings.quarantineMaxSeconds,
    timings.quarantineBaseSeconds * 2 ** Math.min(failures - 1, 30),
  );
  return {
    failures,
    quarantinedUntilMs: nowMs + seconds * 1000,
    quarantineReason: `${failures === 1 ? 'its last attempt' : `its last ${failures} attempts`} failed at once: ${ended.reason}`,
  };
}
