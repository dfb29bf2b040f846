import type { JobId } from '../contract/identifiers.ts';
import { type Blocker, BLOCKED, explainBlockers } from '../domain/blockers.ts';
import { toLabelled } from '../domain/labels.ts';
import { PAUSED, PAUSED_REASON } from '../domain/paused.ts';
import { explainPredecessors, findPredecessors, WAITS_ITS_TURN } from '../domain/specialty-order.ts';
import type { GitHub } from '../github/github.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { holdJob, unholdJob } from './hold-job.ts';
import { readSettingsWithAliases } from './read-situation.ts';
import { comesAfter, waitsByItself } from './want-looks.ts';
import { wantStatusComment } from './want-report.ts';
import { JOBS_READ } from './jobs-read.ts';

/** What a job may have to wait for. */
type Waits = {
  /** Open issues that block its own. */
  blockers: readonly Blocker[];
  /** Specialties that the labels of its issue stand for. */
  labelled: readonly string[];
  /** Whether the settings let no work of its specialty begin. */
  isPaused: boolean;
};

/**
 * A new job waits as long as its settings pause it, open issues block its own, or work of another specialty comes first. It keeps its place in the queue; its
 * branch and check run are made when it goes on, so that it begins from what it waited for. True if it waits.
 */
export async function holdWhileItWaits(
  tx: StoreTx,
  job: StoredJob,
  waits: Omit<Waits, 'isPaused'>,
): Promise<boolean> {
  const why = await findWait(tx, job, { ...waits, isPaused: job.settings.paused === true });
  if (why === null || !(await tx.jobs.move(job, 'held', why, tx.nowMs))) return false;
  await tx.tell(job.id, why.waitCode, why.stateReason);
  return true;
}

/** A new job that others of its issue come after: those that nobody has begun wait for it from now on. */
export async function holdFollowers(tx: StoreTx, job: StoredJob): Promise<void> {
  for (const { id } of await tx.jobs.liveOfIssue(job.repository.id, job.issue.number)) {
    const other = await tx.jobs.lock(id);
    if (!other || !comesAfter(other, job)) continue;
    const why = await findWait(tx, other, { blockers: [], labelled: [], isPaused: false });
    if (why === null) continue;
    if (other.state === 'queued' || other.state === 'offered')
      await holdJob(tx, other, why.stateReason, why.waitCode);
    // It said that the work before it had ended.
    else if (other.waitCode === WAITS_ITS_TURN) await tx.jobs.change(id, why, tx.nowMs);
  }
}

/** Lets a waiting job go on when there is nothing to wait for any more; true if so. One that is queued waits from now on if its settings say so. */
export async function lookAtWaiting(
  jobId: JobId,
  deps: { store: Store; github: Pick<GitHub, 'readIssue' | 'readSettingsFile'> },
): Promise<boolean> {
  const { store, github } = deps;
  const seen = await store.jobs.get(jobId);
  if (!seen || !(waitsByItself(seen) || seen.state === 'queued')) return false;
  const target = { installationId: seen.installationId, repository: seen.repository };
  const reading = await github.readIssue(target, seen.issue.number);
  // Whatever became of it otherwise, its own webhook or the sweep says.
  if (!reading.found) return false;
  const { settings } = await readSettingsWithAliases(target, deps);
  const isPaused = settings.specialties.get(seen.specialty)?.settings.paused === true;
  const labelled = seen.settings.after === undefined ? [] : toLabelled(reading.issue.labels, settings.labels);
  return store.transact(async (tx) => {
    const job = await tx.jobs.lock(jobId);
    if (job?.state === 'queued') {
      // Whatever else it waited for, a person may have let it go on.
      if (isPaused) await holdJob(tx, job, PAUSED_REASON, PAUSED);
      return false;
    }
    if (!job || !waitsByItself(job)) return false;
    const why = await findWait(tx, job, { blockers: reading.openBlockers, labelled, isPaused });
    if (why === null) return (await unholdJob(tx, job, toGoOnText(job))) === 'queued';
    if (why.stateReason === job.stateReason) return false;
    await tx.jobs.change(jobId, why, tx.nowMs);
    await wantStatusComment(tx, job);
    return false;
  });
}

function toGoOnText({ waitCode }: StoredJob): string {
  if (waitCode === BLOCKED) return 'No open issue blocks it any more';
  return waitCode === PAUSED ? 'The settings do not pause it any more' : 'It is its turn now';
}

async function findWait(
  tx: StoreTx,
  job: StoredJob,
  { blockers, labelled, isPaused }: Waits,
): Promise<{ waitCode: string; stateReason: string } | null> {
  const { owner, name, id } = job.repository;
  if (isPaused) return { waitCode: PAUSED, stateReason: PAUSED_REASON };
  // What blocks the issue did not keep the work of an open pull request from being done.
  if (blockers.length > 0 && job.revision === null)
    return { waitCode: BLOCKED, stateReason: explainBlockers(blockers, `${owner}/${name}`) };
  const { after } = job.settings;
  if (after === undefined || job.revision !== null) return null;
  const jobs = await tx.jobs.ofIssue(id, job.issue.number, JOBS_READ);
  const predecessors = findPredecessors({ after, jobs, labelled });
  if (predecessors.length === 0) return null;
  return { waitCode: WAITS_ITS_TURN, stateReason: explainPredecessors(job.specialty, predecessors) };
}
