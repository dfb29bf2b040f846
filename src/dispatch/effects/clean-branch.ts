import type { JobId } from '../../contract/job.ts';
import { isTerminal } from '../../domain/job-lifecycle.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/**
 * Removes the branch of a job that ended without result, if it stands at a commit that this job has put there. Work that people can
 * look at stays: a pull request's, or what failed in the tests. Work of a cancelled job goes with it.
 */
export async function cleanBranch(jobId: JobId, deps: EffectDeps): Promise<void> {
  const job = await deps.store.jobs.get(jobId);
  if (!job || !isTerminal(job.state) || job.state === 'succeeded' || job.pullRequest !== null) return;
  // A revision works on the branch of an open pull request.
  if (job.kind === 'revise') return;

  const attempts = await deps.store.attempts.ofJob(jobId);
  const pushed = job.state === 'cancelled' ? attempts.map((attempt) => attempt.result?.headCommit) : [];
  const commits = [...attempts.map((attempt) => attempt.startCommit), ...pushed].filter(
    (commit) => commit != null,
  );
  if (commits.length === 0) return;
  const removed = await deps.github.deleteBranch(toTarget(job), job.branch, commits);
  if (!removed) return;
  await deps.store.transact((tx) => tx.tell(jobId, 'branch_removed', `Branch ${job.branch} was removed`));
}
