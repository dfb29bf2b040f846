import type { StoreTx } from '../store/store.ts';
import type { Held } from './lease.ts';

/** Twice what ten repair rounds bring about. */
const MAX_EVENTS = 50;

/** Tells of what a runner says of its attempt, so often and no more: a runner gone wild must not fill the store. */
export async function tellOfAttempt(
  tx: StoreTx,
  { job, attempt }: Pick<Held, 'job' | 'attempt'>,
  kind: 'phase' | 'evidence',
  text: string,
): Promise<void> {
  const sinceMs = attempt.acceptedAtMs ?? attempt.createdAtMs;
  if ((await tx.timeline.countEvents(job.id, kind, sinceMs)) >= MAX_EVENTS) return;
  await tx.tell(job.id, kind, text);
}
