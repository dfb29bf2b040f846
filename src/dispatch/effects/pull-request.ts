import type { JobId } from '../../contract/identifiers.ts';
import { wantLooksAtFollowers } from '../want-looks.ts';
import { wantStatusComment } from '../want-report.ts';
import { keepTurn } from '../accept-pull-request.ts';
import { type EffectContext, type EffectDeps, toTarget } from './effect-deps.ts';
import { hasWishes } from './pull-request-wishes.ts';
import { noteRevised } from './revised-pull-request.ts';

/**
 * Opens the pull request of a job whose work is on its branch, or finds the one that is open. On a repeat it may have been opened, and even
 * closed or merged by a person, before we heard of it: then it is this job's nevertheless, and no second one is opened.
 */
export async function openPullRequest(
  jobId: JobId,
  { isRepeat }: EffectContext,
  deps: EffectDeps,
): Promise<void> {
  const job = await deps.store.jobs.get(jobId);
  const attempt = job?.attemptId == null ? null : await deps.store.attempts.get(job.attemptId);
  if (!job || !attempt || job.state !== 'succeeded' || job.pullRequest !== null) return;
  if (job.kind === 'revise') return noteRevised(job, attempt, deps);

  const others = await deps.store.jobs.liveOfIssue(job.repository.id, job.issue.number);
  const { number, url, headCommit, isOpen } = await deps.github.ensurePullRequest(toTarget(job), {
    ...deps.texts.toPullRequest({ job, attempt, isPart: others.length > 0 }),
    head: job.branch,
    base: attempt.base?.branch ?? job.repository.defaultBranch,
    headCommit: attempt.result?.headCommit ?? null,
    mayExist: isRepeat,
  });
  const turned = isOpen ? null : await deps.github.readPullRequest(toTarget(job), number);

  await deps.store.transact(async (tx) => {
    await tx.jobs.change(jobId, { pullRequest: { number, url }, stateReason: null }, tx.nowMs);
    await tx.tell(
      jobId,
      'pull_request',
      `Pull request #${number} ${isOpen ? 'is open' : 'was opened'}: ${url}`,
    );
    const { installationId } = job;
    await tx.want({ effect: { kind: 'evidence', jobId }, installationId, weight: 'final' });
    if (turned !== null && turned.state !== 'open') {
      await keepTurn(tx, job, turned, null, deps.timings);
      return;
    }
    await wantLooksAtFollowers(tx, job);
    if (hasWishes(job.settings.pullRequest))
      await tx.want({ effect: { kind: 'pull-request-wishes', jobId }, installationId });
    // The base may have moved while the work was done.
    if (job.settings.pullRequest?.resolveConflicts === true)
      await tx.want({ effect: { kind: 'look-at-conflicts', jobId }, installationId });
    // Somebody was faster than the pull request.
    if (headCommit !== attempt.result?.headCommit)
      await tx.want({ effect: { kind: 'evidence', jobId, commit: headCommit }, installationId });
    await wantStatusComment(tx, job, 'final');
  });
}

/** When GitHub refuses it for good: the work stays on the branch, and people are told why nothing more happens. */
export async function giveUpPullRequest(jobId: JobId, error: Error, deps: EffectDeps): Promise<void> {
  const job = await deps.store.jobs.get(jobId);
  if (!job) return;
  const reason = `The work is on the branch ${job.branch}, but its pull request could not be opened: ${error.message}`;
  await deps.store.transact(async (tx) => {
    await tx.jobs.change(jobId, { stateReason: reason }, tx.nowMs);
    await tx.tell(jobId, 'pull_request_refused', reason);
    await wantLooksAtFollowers(tx, job);
    await wantStatusComment(tx, job, 'final');
  });
}
