import type { AttemptProgress } from '../contract/attempt-result.ts';
import type { StoreTx } from '../store/store.ts';
import type { Held } from './lease.ts';

/**
 * Writes down who works on an attempt and what it has used. People see it with the next edit of the status comment, whatever that is for:
 * edits for figures alone would use up what GitHub allows an installation in an hour.
 */
export async function noteProgress(
  tx: StoreTx,
  { attempt }: Pick<Held, 'attempt'>,
  progress: AttemptProgress | undefined,
): Promise<void> {
  if (progress === undefined || JSON.stringify(progress) === JSON.stringify(attempt.progress)) return;
  await tx.attempts.change(attempt.id, { progress });
}
