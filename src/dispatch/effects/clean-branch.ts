import type { JobId } from '../../contract/identifiers.ts';
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
  if (!job || !isTerminal(job.state)) return;
  if (job.pullRequest !== null) return cleanEnded(job, deps);
  if (job.state === 'succeeded') return;
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

/** The branch of a pull request that has ended, if the settings want it gone and nobody else pushed to it. */
async function cleanEnded(job: StoredJob, deps: EffectDeps): Promise<void> {
  if (job.pullRequest?.ended === undefined || job.settings.pullRequest?.deleteBranch !== true) return;
  const attempt = job.attemptId === null ? null : await deps.store.attempts.get(job.attemptId);
  const pushed = attempt?.result?.headCommit ?? null;
  if (pushed === null) return;
  if (await deps.github.deleteBranch(toTarget(job), job.branch, [pushed])) {
    await deps.store.transact((tx) =>
      tx.tell(job.id, 'branch_removed', `Branch ${job.branch} was removed, as the settings say`),
    );
  }
}

function toRemovable(job: StoredJob, { startCommit, announcedCommit, result }: StoredAttempt): string[] {
  const isDiscarded = job.state === 'cancelled' || result === null;
  const pushed = isDiscarded ? [announcedCommit, result?.headCommit] : [];
  return [startCommit, ...pushed].filter((commit) => commit != null);
}
