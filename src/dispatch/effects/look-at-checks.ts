import type { JobId } from '../../contract/identifiers.ts';
import { isUsedUp, toChecksWish } from '../checks-wish.ts';
import { prepareRevision } from '../wish-revision.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/** Starts a revision when checks or statuses of others have failed on the head of the job's pull request, as often as the settings want it. */
export async function lookAtChecks(jobId: JobId, deps: EffectDeps): Promise<void> {
  const { store, github, log } = deps;
  const job = await store.jobs.get(jobId);
  const most = job?.settings.pullRequest?.fixChecks ?? 0;
  if (!job?.pullRequest || job.pullRequest.ended !== undefined || most === 0) return;
  const { number } = job.pullRequest;
  const target = toTarget(job);
  const pull = await github.readPullRequest(target, number);
  if (pull?.state !== 'open') return;
  const { headCommit } = pull;
  const head = { repositoryId: target.repository.id, pullRequestNumber: number, headCommit, most };
  if (await isUsedUp(store, head)) return;

  const { appId } = await github.identity();
  const failed = await github.readFailedOfCommit(target, headCommit, appId);
  if (failed.checks.length === 0) return;
  const asked = { key: `checks:${jobId}:${headCommit}`, nowMs: await store.nowMs() };
  const work = await prepareRevision(target, number, toChecksWish(head, failed, asked), deps);
  const outcome = await store.transact(work);
  log.info({ jobId, pullRequest: number, ...outcome }, 'Checks have failed on a pull request');
}
