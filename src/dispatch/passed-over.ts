import type { PassedOver } from '../domain/choose-runner.ts';
import type { StoredJob } from '../store/stored-job.ts';

/** Who is passed over for this job, without those whose time is up. */
export function stillAvoided(job: Pick<StoredJob, 'avoid'>, nowMs: number): StoredJob['avoid'] {
  return job.avoid.filter((entry) => entry.untilMs > nowMs);
}

/** The same, as the choice of a runner wants to know it. */
export function toPassedOver(job: Pick<StoredJob, 'avoid'>, nowMs: number): PassedOver {
  const avoided = stillAvoided(job, nowMs);
  const because = (why: 'declined' | 'failed') =>
    new Set(avoided.filter((entry) => entry.why === why).map((entry) => entry.runnerId));
  return { avoid: because('declined'), lastChoice: because('failed') };
}
