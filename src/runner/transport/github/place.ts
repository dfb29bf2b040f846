import { z } from 'zod';
import { ReportMail, toMailContext } from '../../../contract/check-run-mail.ts';
import { AttemptId, JobId, Specialty } from '../../../contract/identifiers.ts';

/** Where an attempt's check run is, and as whom this process speaks in it. */
export const AttemptPlace = z.object({
  installationId: z.int(),
  repositoryId: z.int(),
  owner: z.string(),
  repo: z.string(),
  /** Absent in leases of older runners. */
  isPrivate: z.boolean().default(false),
  checkRunId: z.int(),
  jobId: JobId,
  attemptId: AttemptId,
  epoch: z.int(),
  specialty: Specialty,
  nonce: ReportMail.shape.nonce,
  /** What the coordinator's acknowledgement says; 0 before it. */
  heartbeatSeconds: z.number(),
  leaseSeconds: z.number(),
});
export type AttemptPlace = z.infer<typeof AttemptPlace>;

/** All that it takes to go on with an attempt after a restart, as the text that the journal keeps in the place of a lease token. */
export function toLeaseToken(place: AttemptPlace): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** `null` when the text is of another transport. */
export function fromLeaseToken(token: string): AttemptPlace | null {
  try {
    return AttemptPlace.parse(JSON.parse(Buffer.from(token, 'base64url').toString('utf8')));
  } catch {
    // Said by the answer.
    return null;
  }
}

export function toContext({ repositoryId, checkRunId }: AttemptPlace): string {
  return toMailContext({ repositoryId, checkRunId });
}
