import type { Phase } from '../contract/attempt-result.ts';
import { toPhaseText } from '../domain/job-headline.ts';
import type { StoreTx } from '../store/store.ts';
import type { Held } from './lease.ts';
import { tellOfAttempt } from './tell-of-attempt.ts';
import { wantStatusComment } from './want-report.ts';

/** Writes down which phase an attempt is in, and tells of it once. */
export async function notePhase(tx: StoreTx, { job, attempt }: Held, phase: Phase): Promise<void> {
  if (attempt.phase === phase) return;
  await tx.attempts.change(attempt.id, { phase });
  await tellOfAttempt(tx, { job, attempt }, 'phase', toPhaseText(phase));
  await wantStatusComment(tx, job);
}
