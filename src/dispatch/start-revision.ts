import type { RevisionAction } from '../domain/decide-commands.ts';
import { BUDGETS } from '../domain/timings.ts';
import type { Actor, RepositoryTarget } from '../domain/trigger.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';
import { startJob } from './start-job.ts';

/**
 * Puts a job in the queue that reworks an open pull request on its own branch; `null` if one of its specialty is live on the issue. The request
 * is the one that the pull request was made for: no later edit of the issue reaches the agent.
 */
export async function startRevision(
  tx: StoreTx,
  action: Omit<RevisionAction, 'kind'>,
  asking: { target: RepositoryTarget; sender: Actor },
  deps: { newId: () => string },
): Promise<StoredJob | null> {
  const {
    job: published,
    specialty,
    needs,
    settings,
    instructions,
    label,
    labelPriority,
    revision,
    reason,
  } = action;
  const { issue, branch } = published;
  const job = await startJob(
    tx,
    {
      ...asking,
      issue,
      specialty,
      needs,
      settings,
      instructions,
      revision: { facts: revision, branch },
      label,
      labelPriority,
      // What came before the work did not keep it from being done.
      blockers: [],
      labelled: [],
      reason: `${reason}: round ${revision.round} on pull request #${revision.pullRequest.number}`,
    },
    deps,
  );
  if (job === null) return null;
  // What was said while the one before was under way is a part of this.
  await tx.reviews.dropWaiting(job.repository.id, revision.pullRequest.number);
  // A person has taken it up again.
  if (revision.cause === 'asked' && revision.round > BUDGETS.revisionRounds)
    await wantNeedsHuman(tx, job, false);
  return job;
}

/** Whether a person has to look at the job's pull request, as its label says. */
export async function wantNeedsHuman(
  tx: StoreTx,
  { id: jobId, installationId }: StoredJob,
  isNeeded: boolean,
): Promise<void> {
  await tx.want({ effect: { kind: 'needs-human', jobId, isNeeded }, installationId });
}
