import type { JobId } from '../../contract/identifiers.ts';
import { WISH_NOTICE, type PullRequestWishes, WHO_ASKED } from '../../domain/job.ts';
import { wantStatusComment } from '../want-report.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/** Whether something is to be done with the pull request once it is open. */
export function hasWishes({ reviewers = [], labels = [], assignee }: PullRequestWishes = {}): boolean {
  return reviewers.length > 0 || labels.length > 0 || assignee !== undefined;
}

/** Reviewers, labels and assignee of the job's pull request; the status comment tells which of them GitHub did not take. */
export async function grantPullRequestWishes(jobId: JobId, deps: EffectDeps): Promise<void> {
  const job = await deps.store.jobs.get(jobId);
  if (!job || job.pullRequest === null || !hasWishes(job.settings.pullRequest)) return;
  const { reviewers = [], labels = [], assignee } = job.settings.pullRequest ?? {};
  const toLogin = (name: string): string => (name === WHO_ASKED ? job.requestedBy : name);

  const refused = await deps.github.addToPullRequest(toTarget(job), job.pullRequest.number, {
    reviewers: [...new Set(reviewers.map(toLogin))],
    labels,
    assignee: assignee === undefined ? null : toLogin(assignee),
  });
  if (refused.length === 0) return;
  await deps.store.transact(async (tx) => {
    for (const text of refused) await tx.tell(jobId, WISH_NOTICE, text);
    await wantStatusComment(tx, job, 'final');
  });
}
