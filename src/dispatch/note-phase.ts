import type { Phase } from '../contract/job.ts';
import { toPhaseText } from '../domain/job-headline.ts';
import type { StoreTx } from '../store/store.ts';
import type { Held } from './lease.ts';

/** Writes down which phase an attempt is in, and tells of it once. */
export async function notePhase(tx: StoreTx, { job, attempt }: Held, phase: Phase): Promise<void> {
  if (attempt.phase === phase) return;
  await tx.attempts.change(attempt.id, { phase });
  await tx.tell(job.id, 'phase', toPhaseText(phase));
}
