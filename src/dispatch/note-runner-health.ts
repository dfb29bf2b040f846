import { judgeRunner } from '../domain/quarantine.ts';
import type { Outcome } from '../contract/attempt-result.ts';
import type { Timings } from '../domain/timings.ts';
import type { StoredAttempt } from '../store/attempts.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoredRunner } from '../store/runners.ts';
import type { StoreTx } from '../store/store.ts';

export type HealthTimings = Parameters<typeof judgeRunner>[2]['timings'] &
  Pick<Timings, 'leaseSeconds' | 'githubLeaseSeconds'>;

/** An attempt that its runner had accepted has ended: a runner that fails one after the other gets no more for a while. */
export async function noteRunnerHealth(
  tx: StoreTx,
  /** As it was before the end. */
  job: Pick<StoredJob, 'id' | 'runnerId' | 'deadlineAtMs'>,
  attempt: Pick<StoredAttempt, 'acceptedAtMs'>,
  ended: { outcome: Outcome; reason: string },
  timings: HealthTimings,
): Promise<void> {
  const { acceptedAtMs } = attempt;
  const runner = job.runnerId === null ? null : await tx.runners.lock(job.runnerId);
  if (!runner || acceptedAtMs === null) return;
  const { outcome, reason } = ended;
  const lastHeardAtMs = outcome === 'lost' ? findLastHeard(job, runner, tx.nowMs, timings) : tx.nowMs;
  const work = { jobId: job.id, outcome, reason, acceptedAtMs, lastHeardAtMs };
  const health = judgeRunner(runner, work, { nowMs: tx.nowMs, timings });
  if (health && (health.failures > 0 || runner.failures > 0)) await tx.runners.change(runner.id, health);
}

/** Each sign of life renews the lease to its full length. One that was made longer, for an outage of ours, makes it seem later: never earlier. */
function findLastHeard(
  { deadlineAtMs }: Pick<StoredJob, 'deadlineAtMs'>,
  { transport }: Pick<StoredRunner, 'transport'>,
  nowMs: number,
  timings: Pick<Timings, 'leaseSeconds' | 'githubLeaseSeconds'>,
): number {
  const seconds = transport === 'github' ? timings.githubLeaseSeconds : timings.leaseSeconds;
  return Math.min(nowMs, (deadlineAtMs ?? nowMs) - seconds * 1000);
}
