import { createHash } from 'node:crypto';
import type { AttemptId } from '../../contract/identifiers.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/** Says the coordinator's last word on an attempt's check run. While the attempt is not over, the check run is its runner's. */
export async function updateCheckRun(attemptId: AttemptId, deps: EffectDeps): Promise<void> {
  const { store } = deps;
  const attempt = await store.attempts.get(attemptId);
  const job = attempt && (await store.jobs.get(attempt.jobId));
  if (!job || attempt.checkRun === null || attempt.finishedAtMs === null) return;

  const patch = (await store.patches.ofAttempt(attemptId)) ?? undefined;
  const { content } = deps.texts.toCheckRun({ job, attempt, patch });
  const key = `check-run:${attemptId}`;
  const bodyHash = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  const sent = await store.memory.getGitHubObject(key);
  if (sent?.bodyHash === bodyHash) return;
  await deps.github.updateCheckRun(toTarget(job), attempt.checkRun.id, content);
  await store.memory.putGitHubObject(key, { objectId: attempt.checkRun.id, bodyHash }, await store.nowMs());
}
