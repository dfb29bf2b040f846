import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';

/** A revision is over, and its threads are answered: what came meanwhile, and had to wait, is looked at. */
export async function wantNextRound(tx: StoreTx, job: StoredJob): Promise<void> {
  const { id: jobId, installationId, repository, revision, settings, state } = job;
  if (revision === null) return;
  if ((await tx.reviews.getWaiting(repository.id, revision.pullRequest.number)) !== null)
    await tx.want({ effect: { kind: 'next-round', jobId }, installationId });
  // Of one that came to nothing, conflicts would only begin the same again.
  if (state === 'succeeded' && settings.pullRequest?.resolveConflicts === true)
    await tx.want({ effect: { kind: 'look-at-conflicts', jobId }, installationId });
}

/** Whoever stops a revision does not want the next one instead. */
export async function dropNextRound(tx: StoreTx, { repository, revision }: StoredJob): Promise<void> {
  if (revision !== null) await tx.reviews.dropWaiting(repository.id, revision.pullRequest.number);
}

/** What a revision had no room for is to be worked on by the next one, as if whoever asked for this one had asked for that, too. */
export async function keepForNextRound(tx: StoreTx, job: StoredJob): Promise<void> {
  const { repository, revision, requestedBy: login, requestedById: id, createdAtMs } = job;
  if (revision === null) return;
  const place = { repositoryId: repository.id, pullNumber: revision.pullRequest.number };
  // A review that waits there brings all of it along.
  if ((await tx.reviews.getWaiting(place.repositoryId, place.pullNumber)) !== null) return;
  const at = new Date(createdAtMs).toISOString();
  await tx.reviews.putWaiting({ ...place, sender: { login, id: id ?? 0 }, at });
}
