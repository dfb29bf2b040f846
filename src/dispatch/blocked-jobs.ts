import type { JobId } from '../contract/job.ts';
import { type Blocker, BLOCKED, explainBlockers } from '../domain/blockers.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { GitHub } from '../github/github.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { unholdJob } from './hold-job.ts';
import { wantStatusComment } from './want-report.ts';

/** A new job waits as long as open issues block its own. It keeps its place in the queue, and gets its check run. */
export async function holdWhileBlocked(
  tx: StoreTx,
  job: StoredJob,
  blockers: readonly Blocker[],
): Promise<void> {
  if (blockers.length === 0) return;
  const stateReason = explain(job, blockers);
  if (await tx.jobs.move(job, 'held', { stateReason, waitCode: BLOCKED }, tx.nowMs))
    await tx.tell(job.id, BLOCKED, stateReason);
}

/** An issue was closed, which may have blocked others. Which ones, GitHub is asked: it may be of another repository. */
export async function wantLooksAtBlocked(tx: StoreTx, { installationId }: RepositoryTarget): Promise<void> {
  for (const { id: jobId } of await tx.jobs.heldFor(BLOCKED, installationId))
    await tx.want({ effect: { kind: 'look-at-blockers', jobId }, installationId });
}

/** Lets a blocked job go on when no open issue blocks it any more; true if so. */
export async function lookAtBlockers(
  jobId: JobId,
  deps: { store: Store; github: Pick<GitHub, 'readIssue'> },
): Promise<boolean> {
  const { store, github } = deps;
  const seen = await store.jobs.get(jobId);
  if (!seen || !isBlocked(seen)) return false;
  const reading = await github.readIssue(
    { installationId: seen.installationId, repository: seen.repository },
    seen.issue.number,
  );
  // Whatever became of it otherwise, its own webhook or the sweep says.
  if (!reading.found) return false;
  const { openBlockers } = reading;
  return store.transact(async (tx) => {
    const job = await tx.jobs.lock(jobId);
    if (!job || !isBlocked(job)) return false;
    if (openBlockers.length === 0) {
      return (await unholdJob(tx, job, 'No open issue blocks it any more')) === 'queued';
    }
    const stateReason = explain(job, openBlockers);
    if (stateReason === job.stateReason) return false;
    await tx.jobs.change(jobId, { stateReason }, tx.nowMs);
    await wantStatusComment(tx, job);
    return false;
  });
}

/** Not held by a person. */
export function isBlocked({ state, waitCode }: StoredJob): boolean {
  return state === 'held' && waitCode === BLOCKED;
}

function explain({ repository }: StoredJob, blockers: readonly Blocker[]): string {
  return explainBlockers(blockers, `${repository.owner}/${repository.name}`);
}
