import { createHash } from 'node:crypto';
import type { JobId } from '../../contract/identifiers.ts';
import { toEvidenceExternalId } from '../check-run-identity.ts';
import { evidenceKey } from '../say-again.ts';
import { type EffectContext, type EffectDeps, toTarget } from './effect-deps.ts';

/**
 * Puts what the runner saw on the commit that the job has pushed, as a check run; on a later head of its branch, `commit`, that the evidence
 * is of another one.
 */
export async function publishEvidence(
  { jobId, commit }: { jobId: JobId; commit?: string },
  context: EffectContext,
  deps: EffectDeps,
): Promise<void> {
  const { store, github, texts } = deps;
  const job = await store.jobs.get(jobId);
  const attempt = job?.attemptId == null ? null : await store.attempts.get(job.attemptId);
  const pushed = attempt?.result?.headCommit;
  if (!job || !attempt || pushed == null) return;
  const later = commit === undefined || commit === pushed ? undefined : commit;
  const { name, content } =
    later === undefined
      ? texts.toEvidenceCheckRun({ job, attempt })
      : texts.toLaterHeadCheckRun({ job, attempt, pushed, later });

  const key = evidenceKey(job, later);
  const bodyHash = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  const sent = await store.memory.getGitHubObject(key);
  if (sent?.bodyHash === bodyHash) return;
  let objectId = sent?.objectId ?? null;
  if (objectId !== null) {
    await github.updateCheckRun(toTarget(job), objectId, content);
  } else {
    const wanted = {
      name,
      content,
      headCommit: later ?? pushed,
      externalId: toEvidenceExternalId(attempt),
      mayExist: context.isRepeat,
    };
    objectId = (await github.ensureCheckRun(toTarget(job), wanted)).id;
  }
  await store.memory.putGitHubObject(key, { objectId, bodyHash }, await store.nowMs());
}
