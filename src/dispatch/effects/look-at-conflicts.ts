import type { JobId } from '../../contract/identifiers.ts';
import { GitHubError } from '../../github/github-error.ts';
import { prepareRevision } from '../wish-revision.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/** GitHub finds out in the background whether a pull request can be merged, once somebody asks. */
const ASK_AGAIN_MS = 15_000;

/** Starts a revision when the job's pull request can't be merged any more, once for each head, if the settings want it. */
export async function lookAtConflicts(jobId: JobId, deps: EffectDeps): Promise<void> {
  const { store, github } = deps;
  const job = await store.jobs.get(jobId);
  if (!job?.pullRequest || job.pullRequest.ended !== undefined) return;
  if (job.settings.pullRequest?.resolveConflicts !== true) return;
  const { number } = job.pullRequest;
  const target = toTarget(job);
  const pull = await github.readPullRequest(target, number);
  if (pull?.state !== 'open' || pull.mergeable === true) return;
  if (pull.mergeable === null) {
    const message = `GitHub has not found out yet whether pull request #${number} can be merged`;
    throw new GitHubError('unavailable', message, { retryAfterMs: ASK_AGAIN_MS });
  }

  const key = `conflicts:${target.repository.id}#${number}:${pull.headCommit}`;
  if (await store.memory.hasTrigger(key)) return;
  const work = await prepareRevision(
    target,
    number,
    {
      cause: 'conflict',
      sender: null,
      at: new Date(await store.nowMs()).toISOString(),
      checks: [],
      key,
      reason: () => `It can’t be merged into ${pull.base} any more, and the settings want conflicts resolved`,
      head: pull.headCommit,
    },
    deps,
  );
  const outcome = await store.transact(async (tx) => {
    const done = await work(tx);
    // What was in the way may be over at the next look.
    if (done.kind === 'started') await tx.memory.rememberTrigger(key, done.kind, tx.nowMs);
    return done;
  });
  deps.log.info({ jobId, pullRequest: number, ...outcome }, 'A pull request has conflicts with its base');
}
