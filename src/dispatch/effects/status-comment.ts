import { createHash } from 'node:crypto';
import type { RepositoryRef } from '../../contract/job.ts';
import { type QuietNews, toQuietNews } from '../../domain/quiet.ts';
import type { ReportedJob } from '../../domain/status-comment-text.ts';
import type { StoredAttempt } from '../../store/attempts.ts';
import type { StoredJob } from '../../store/stored-job.ts';
import type { Store } from '../../store/store.ts';
import { toRecoveryMarker } from '../recovery/recovery-marker.ts';
import { statusCommentKey } from '../say-again.ts';
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
  const reported = await Promise.all(jobs.map((job) => toReport(job, deps)));
  const key = statusCommentKey(issue);
  const sent = await store.memory.getGitHubObject(key);
  const quiet = toQuietNews(reported);
  const quietKey = `${key}:quiet`;
  if (quiet !== null && !(await isNews(quiet, sent, quietKey, deps))) return;

  const { recoveryKey } = deps;
  const kept = recoveryKey === undefined ? '' : `\n${toRecoveryMarker(issue, reported, recoveryKey)}`;
  const body = texts.toStatusComment({ marker: `${marker}${kept}`, jobs: reported });
  const bodyHash = toHash(body);
  if (sent?.bodyHash === bodyHash) return;

  const sentId = sent?.objectId ?? null;
  // Whoever deletes the comment a second time means it; a new job of the issue begins anew.
  const againKey = `status-comment-again:${newest.id}`;
  const comment = await deps.github.publishStatusComment(toTarget(newest), issue.issueNumber, {
    commentId: sentId,
    mayRecreate: sentId === null || (await store.memory.getGitHubObject(againKey)) === null,
    marker,
    body,
  });
  const nowMs = await store.nowMs();
  if (comment !== null && sentId !== null && comment.id !== sentId) {
    await store.memory.putGitHubObject(againKey, { objectId: comment.id, bodyHash: null }, nowMs);
  }
  // Where nothing can be commented (a locked issue), the check run has to tell; the next state tries again.
  await store.memory.putGitHubObject(key, { objectId: comment?.id ?? sentId, bodyHash }, nowMs);
  if (quiet !== null)
    await store.memory.putGitHubObject(quietKey, { objectId: null, bodyHash: toHash(quiet.news) }, nowMs);
}

/** Whether a quiet issue is to hear of it; a comment that was deleted or edited comes back in any case. */
async function isNews(
  { isWorthBeginning, news }: QuietNews,
  sent: { bodyHash: string | null } | null,
  quietKey: string,
  { store }: EffectDeps,
): Promise<boolean> {
  if (sent === null) return isWorthBeginning;
  return sent.bodyHash === null || (await store.memory.getGitHubObject(quietKey))?.bodyHash !== toHash(news);
}

function toHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Where people find it; `null` while there is none. */
export async function readStatusUrl(
  { memory }: Pick<Store, 'memory'>,
  { id: repositoryId, htmlUrl }: RepositoryRef,
  issueNumber: number,
): Promise<string | null> {
  const sent = await memory.getGitHubObject(statusCommentKey({ repositoryId, issueNumber }));
  return sent?.objectId == null ? null : `${htmlUrl}/issues/${issueNumber}#issuecomment-${sent.objectId}`;
}

/** A job with all that reports tell of it. */
export async function toReport(
  job: StoredJob,
  { store }: Pick<EffectDeps, 'store'>,
): Promise<ReportedJob & { job: StoredJob; attempt: StoredAttempt | null }> {
  const attempts = job.attemptId === null ? [] : await store.attempts.ofJob(job.id);
  return {
    job,
    attempt: attempts.find(({ id }) => id === job.attemptId) ?? null,
    earlierAttempts: attempts.filter(({ id }) => id !== job.attemptId),
    events: await store.timeline.eventsOf(job.id),
    queuePosition: await store.jobs.queuePosition(job),
  };
}
