import type { JobId } from '../../contract/job.ts';
import { WISH_NOTICE } from '../../domain/job.ts';
import { threadMarker, toThreadAnswers } from '../../domain/revision-text.ts';
import { wantStatusComment } from '../want-report.ts';
import { type EffectContext, type EffectDeps, toTarget } from './effect-deps.ts';

/** Answers each thread that a revision was about, once, and asks the reviewers again. */
export async function answerThreads(jobId: JobId, context: EffectContext, deps: EffectDeps): Promise<void> {
  const { store, github } = deps;
  const job = await store.jobs.get(jobId);
  const attempt = job?.attemptId == null ? null : await store.attempts.get(job.attemptId);
  if (!job || !attempt || job.revision === null || job.state !== 'succeeded') return;
  const { number } = job.revision.pullRequest;
  for (const { threadId, body } of toThreadAnswers({ job, attempt })) {
    const key = `thread-answer:${jobId}:${threadId}`;
    if (await store.memory.getGitHubObject(key)) continue;
    const marker = threadMarker(job, threadId);
    const wanted = { threadId, marker, body, mayExist: context.isRepeat };
    await github.answerThread(toTarget(job), number, wanted);
    await store.memory.putGitHubObject(key, { objectId: threadId, bodyHash: null }, await store.nowMs());
  }

  const { reviewers } = job.revision;
  if (reviewers.length === 0) return;
  const refused = await github.addToPullRequest(toTarget(job), number, {
    reviewers,
    labels: [],
    assignee: null,
  });
  if (refused.length === 0) return;
  await store.transact(async (tx) => {
    for (const text of refused) await tx.tell(jobId, WISH_NOTICE, text);
    await wantStatusComment(tx, job, 'final');
  });
}
