import type { RepositoryTarget } from '../domain/trigger.ts';
import type { StoredAttempt } from '../store/attempts.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { wantStatusComment } from './want-report.ts';

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

/** The same for the issue's status comment. */
export async function sayStatusAgain(tx: StoreTx, job: StoredJob): Promise<void> {
  const key = statusCommentKey({ repositoryId: job.repository.id, issueNumber: job.issue.number });
  const sent = await tx.memory.getGitHubObject(key);
  if (sent !== null) await tx.memory.putGitHubObject(key, { ...sent, bodyHash: null }, tx.nowMs);
  await wantStatusComment(tx, job, 'final');
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

/** The same for what the settings of this commit mean; false where nothing was said of them. */
export async function saySettingsAgain(
  tx: StoreTx,
  { installationId, repository: { id, owner, name } }: RepositoryTarget,
  commit: string,
): Promise<boolean> {
  for (const isFork of [true, false]) {
    const wanted = { repositoryId: id, commit, isFork };
    if ((await tx.memory.getGitHubObject(settingsCheckKey(wanted))) === null) continue;
    const effect = { kind: 'settings-check', fullName: `${owner}/${name}`, ...wanted } as const;
    await tx.want({ effect, installationId });
    return true;
  }
  return false;
}

export function settingsCheckKey(of: { repositoryId: number; commit: string; isFork: boolean }): string {
  return `settings-check:${of.repositoryId}:${of.commit}${of.isFork ? ':fork' : ''}`;
}

/** Under which the store keeps what was last sent. */
export function statusCommentKey(issue: { repositoryId: number; issueNumber: number }): string {
  return `status-comment:${issue.repositoryId}#${issue.issueNumber}`;
}

/** Under which the store keeps what was last sent. */
export function evidenceKey({ id }: Pick<StoredJob, 'id'>, commit?: string): string {
  return `evidence:${id}${commit === undefined ? '' : `:${commit}`}`;
}
