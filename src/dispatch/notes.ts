import type { RepositoryRef } from '../contract/job.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { toFailedRoundText } from '../domain/revision-text.ts';

/** Something is to be said once, on an issue or pull request. `text`: Markdown that is safe to show. */
export async function wantNote(
  tx: StoreTx,
  place: { installationId: number; repository: RepositoryRef; number: number },
  { key, text }: { key: string; text: string },
): Promise<boolean> {
  const isNew = await tx.reviews.insertNote({ key, text, ...place }, tx.nowMs);
  await tx.want({ effect: { kind: 'note', key }, installationId: place.installationId });
  return isNew;
}

/** Whoever waits on a pull request for a revision hears there that it came to nothing; its issue's status comment says so as well. */
export async function tellFailedRound(tx: StoreTx, job: StoredJob, reason: string): Promise<void> {
  if (job.revision === null) return;
  const { installationId, repository, revision } = job;
  const place = { installationId, repository, number: revision.pullRequest.number };
  const unreported = (await tx.attempts.ofJob(job.id)).findLast(({ result }) => result === null);
  const text = toFailedRoundText(job, reason, unreported?.announcedCommit ?? null);
  await wantNote(tx, place, { key: `failed-round:${job.id}`, text });
}
