import type { JobId } from '../../contract/job.ts';
import { toEvidenceExternalId } from '../check-run-identity.ts';
import { type EffectContext, type EffectDeps, toTarget } from './effect-deps.ts';

/** Puts what the runner saw on the head of the pull request, as a check run. */
export async function publishEvidence(jobId: JobId, context: EffectContext, deps: EffectDeps): Promise<void> {
  const { store } = deps;
  const job = await store.jobs.get(jobId);
  const attempt = job?.attemptId == null ? null : await store.attempts.get(job.attemptId);
  const headCommit = attempt?.result?.headCommit;
  if (!job || !attempt || headCommit == null) return;
  const key = `evidence:${jobId}`;
  if (await store.memory.getGitHubObject(key)) return;

  const { id } = await deps.github.ensureCheckRun(toTarget(job), {
    ...deps.texts.toEvidenceCheckRun({ job, attempt }),
    headCommit,
    externalId: toEvidenceExternalId(attempt),
    mayExist: context.isRepeat,
  });
  await store.memory.putGitHubObject(key, { objectId: id, bodyHash: null }, await store.nowMs());
}
