import { judgeRunner } from '../domain/quarantine.ts';
import type { Outcome } from '../contract/job.ts';
import type { Timings } from '../domain/timings.ts';
import type { StoredAttempt } from '../store/attempts.ts';
import type { StoredJob } from '../store/jobs.ts';
import type { StoreTx } from '../store/store.ts';

/** An attempt that its runner had accepted has ended: a runner that fails one after the other gets no more for a while. */
export async function noteRunnerHealth(
  tx: StoreTx,
  job: Pick<StoredJob, 'runnerId'>,
  attempt: Pick<StoredAttempt, 'acceptedAtMs'>,
  ended: { outcome: Outcome; reason: string },
  timings: Pick<Timings, 'quickFailureSeconds' | 'quarantineBaseSeconds' | 'quarantineMaxSeconds'>,
): Promise<void> {
  const { acceptedAtMs } = attempt;
  const runner = job.runnerId === null ? null : await tx.runners.get(job.runnerId);
  if (!runner || acceptedAtMs === null) return;
  const health = judgeRunner(runner, { ...ended, acceptedAtMs }, { nowMs: tx.nowMs, timings });
  if (health && (health.failures > 0 || runner.failures > 0)) await tx.runners.change(runner.id, health);
}
