import { BLOCKED } from '../domain/blockers.ts';
import { PAUSED } from '../domain/paused.ts';
import { WAITS_ITS_TURN } from '../domain/specialty-order.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';

/** Waits for something of itself, not because a person holds it. */
export function waitsByItself({ state, waitCode }: StoredJob): boolean {
  return state === 'held' && (waitCode === BLOCKED || waitCode === WAITS_ITS_TURN || waitCode === PAUSED);
}

/** An issue was closed, which may have blocked others. Which ones, GitHub is asked: it may be of another repository. */
export async function wantLooksAtBlocked(tx: StoreTx, { installationId }: RepositoryTarget): Promise<void> {
  for (const job of await tx.jobs.heldFor(BLOCKED, installationId)) await wantLook(tx, job);
}

/** Something became of this job that others of its issue may wait for. */
export async function wantLooksAtFollowers(tx: StoreTx, job: StoredJob): Promise<void> {
  for (const other of await tx.jobs.liveOfIssue(job.repository.id, job.issue.number))
    if (waitsByItself(other) && comesAfter(other, job)) await wantLook(tx, other);
}

/** By the settings that `job` was asked for with. */
export function comesAfter(job: StoredJob, { specialty }: StoredJob): boolean {
  return job.settings.after?.includes(specialty) === true;
}

/** Whether it waits is found out anew. */
export async function wantLook(tx: StoreTx, { id: jobId, installationId }: StoredJob): Promise<void> {
  await tx.want({ effect: { kind: 'look-at-blockers', jobId }, installationId });
}
