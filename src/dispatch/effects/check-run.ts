import { createHash } from 'node:crypto';
import { MAX_LOG_BYTES } from '../../contract/runner-api.ts';
import type { AttemptId } from '../../contract/identifiers.ts';
import { LOG_END_BYTES } from '../../domain/log-text.ts';
import type { StoredAttempt } from '../../store/attempts.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/** Says the coordinator's last word on an attempt's check run. While the attempt is not over, the check run is its runner's. */
export async function updateCheckRun(attemptId: AttemptId, deps: EffectDeps): Promise<void> {
  const { store } = deps;
  const attempt = await store.attempts.get(attemptId);
  const job = attempt && (await store.jobs.get(attempt.jobId));
  if (!job || attempt.checkRun === null || attempt.finishedAtMs === null) return;

  const patch = (await store.patches.ofAttempt(attemptId)) ?? undefined;
  const text = await readLogEnd(attempt, deps);
  const log = text === null ? undefined : { text, jobId: job.id };
  const { content } = deps.texts.toCheckRun({ job, attempt, patch, log });
  const key = `check-run:${attemptId}`;
  const bodyHash = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  const sent = await store.memory.getGitHubObject(key);
  if (sent?.bodyHash === bodyHash) return;
  await deps.github.updateCheckRun(toTarget(job), attempt.checkRun.id, content);
  await store.memory.putGitHubObject(key, { objectId: attempt.checkRun.id, bodyHash }, await store.nowMs());
}

/** `null` where the check run shows it already, below the reports of a runner that only reaches GitHub: they stay as they are signed. */
async function readLogEnd(
  { id, logOffset }: StoredAttempt,
  { store }: Pick<EffectDeps, 'store'>,
): Promise<string | null> {
  if ((await store.mail.get(id)) !== null) return null;
  const from = Math.max(0, Math.min(logOffset, MAX_LOG_BYTES) - LOG_END_BYTES);
  return Buffer.from(await store.timeline.readLog(id, from, LOG_END_BYTES)).toString('utf8');
}
