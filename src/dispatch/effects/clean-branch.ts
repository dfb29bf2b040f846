import type { JobId } from '../../contract/job.ts';
import { isTerminal } from '../../domain/job-lifecycle.ts';
import type { StoredAttempt } from '../../store/attempts.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/**
 * Removes the branches of a job that ended without result, where they stand at a commit that this job has put there. Work that people
 * can look at stays: a pull request's, or what failed in the tests. Work of a cancelled job goes, and what an attempt may have pushed
 * that nobody has heard of since.
 */
export async function cleanBranch(jobId: JobId, deps: EffectDeps): Promise<void> {
  const job = await deps.store.jobs.get(jobId);
  if (!job || !isTerminal(job.state) || job.state === 'succeeded' || job.pullRequest !== null) return;
  // A revision works on the branch of an open pull request.
  if (job.kind === 'revise') return;

  const attempts = await deps.store.attempts.ofJob(jobId);
  const byBranch = Map.groupBy(attempts, (attempt) => attempt.branch ?? job.branch);
  for (const [branch, onBranch] of byBranch) {
    const commits = onBranch.flatMap((attempt) => toRemovable(job, attempt));
    if (commits.length === 0) continue;
    const removed = await deps.github.deleteBranch(toTarget(job), branch, commits);
    if (removed) {
      await deps.store.transact((tx) => tx.tell(jobId, 'branch_removed', `Branch ${branch} was removed`));
    }
  }
}

function toRemovable(job: StoredJob, { startCommit, announcedCommit, result }: StoredAttempt): string[] {
  const isDiscarded = job.state === 'cancelled' || result === null;
  const pushed = isDiscarded ? [announcedCommit, result?.headCommit] : [];
  return [startCommit, ...pushed].filter((commit) => commit != null);
}
