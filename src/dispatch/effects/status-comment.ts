import { createHash } from 'node:crypto';
import type { ReportedJob } from '../../domain/status-comment-text.ts';
import type { StoredJob } from '../../store/jobs.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/** Jobs of one issue that its comment tells of. */
const JOBS_SHOWN = 30;

/** Brings the issue's one status comment up to date with the store. */
export async function publishStatusComment(
  issue: { repositoryId: number; issueNumber: number },
  deps: EffectDeps,
): Promise<void> {
  const { store, texts } = deps;
  const jobs = await store.jobs.ofIssue(issue.repositoryId, issue.issueNumber, JOBS_SHOWN);
  const [newest] = jobs;
  if (!newest) return;

  const marker = texts.statusMarker(issue);
  const body = texts.toStatusComment({
    marker,
    jobs: await Promise.all(jobs.map((job) => toReport(job, deps))),
  });
  const key = `status-comment:${issue.repositoryId}#${issue.issueNumber}`;
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const sent = await store.memory.getGitHubObject(key);
  if (sent?.bodyHash === bodyHash) return;

  const comment = await deps.github.publishStatusComment(toTarget(newest), issue.issueNumber, {
    commentId: sent?.objectId ?? null,
    marker,
    body,
  });
  // Where nothing can be commented (a locked issue), the check run has to tell; the next state tries again.
  const objectId = comment?.id ?? sent?.objectId ?? null;
  await store.memory.putGitHubObject(key, { objectId, bodyHash }, await store.nowMs());
}

async function toReport(job: StoredJob, { store }: EffectDeps): Promise<ReportedJob> {
  return {
    job,
    attempt: job.attemptId === null ? null : await store.attempts.get(job.attemptId),
    events: await store.timeline.eventsOf(job.id),
    queuePosition: await store.jobs.queuePosition(job),
  };
}
