import type { StoredAttempt } from '../store/attempts.ts';
import type { StoredJob } from '../store/jobs.ts';
import type { StoreTx } from '../store/store.ts';

/** The coordinator's last word on an attempt's check run is sent once more, even if nothing of it has changed. */
export async function sayCheckRunAgain(
  tx: StoreTx,
  { installationId }: StoredJob,
  attempt: StoredAttempt,
): Promise<void> {
  if (attempt.checkRun === null) return;
  const sent = { objectId: attempt.checkRun.id, bodyHash: null };
  await tx.memory.putGitHubObject(`check-run:${attempt.id}`, sent, tx.nowMs);
  await tx.want({ effect: { kind: 'check-run', attemptId: attempt.id }, installationId });
}

/** The same for the check run with the evidence, or the one that tells of it, on this commit; nothing happens where there is none. */
export async function sayEvidenceAgain(tx: StoreTx, job: StoredJob, headCommit: string): Promise<void> {
  for (const commit of [undefined, headCommit]) {
    const key = evidenceKey(job, commit);
    const sent = await tx.memory.getGitHubObject(key);
    if (sent === null) continue;
    await tx.memory.putGitHubObject(key, { ...sent, bodyHash: null }, tx.nowMs);
    await tx.want({
      effect: { kind: 'evidence', jobId: job.id, ...(commit === undefined ? {} : { commit }) },
      installationId: job.installationId,
    });
  }
}

/** Under which the store keeps what was last sent. */
export function evidenceKey({ id }: Pick<StoredJob, 'id'>, commit?: string): string {
  return `evidence:${id}${commit === undefined ? '' : `:${commit}`}`;
}
