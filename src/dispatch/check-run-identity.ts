import { AttemptId, JobId } from '../contract/identifiers.ts';
import type { Attempt } from '../domain/job.ts';

/** By which we find an attempt's check run again, and by which a runner knows that it is the right one. */
export function toExternalId(attempt: Pick<Attempt, 'id' | 'jobId'>): string {
  return `${attempt.jobId}:${attempt.id}`;
}

/** By which we find the evidence's check run again. */
export function toEvidenceExternalId(attempt: Pick<Attempt, 'id' | 'jobId'>): string {
  return `${toExternalId(attempt)}:evidence`;
}

/**
 * The attempt whose check run bears this `external_id`, or `null` when it is none of ours. What the coordinator has put behind it for a
 * runner that only reaches GitHub (see `contract/check-run-mail.ts`) is passed over; the evidence's check run is none of an attempt.
 */
export function parseExternalId(externalId: string | null): { jobId: JobId; attemptId: AttemptId } | null {
  const [job, attempt, more] = (externalId ?? '').split(':');
  const jobId = JobId.safeParse(job);
  const attemptId = AttemptId.safeParse(attempt);
  if (!jobId.success || !attemptId.success || more === 'evidence') return null;
  return { jobId: jobId.data, attemptId: attemptId.data };
}
