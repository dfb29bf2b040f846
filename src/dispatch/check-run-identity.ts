import type { Attempt } from '../domain/job.ts';

/** By which we find an attempt's check run again, and by which a runner knows that it is the right one. */
export function toExternalId(attempt: Pick<Attempt, 'id' | 'jobId'>): string {
  return `${attempt.jobId}:${attempt.id}`;
}

/** By which we find the evidence's check run again. */
export function toEvidenceExternalId(attempt: Pick<Attempt, 'id' | 'jobId'>): string {
  return `${toExternalId(attempt)}:evidence`;
}
