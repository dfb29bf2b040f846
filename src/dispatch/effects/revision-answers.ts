import type { JobId } from '../../contract/identifiers.ts';
import { WISH_NOTICE } from '../../domain/job.ts';
import {
  findLaterThreads,
  laterMarker,
  threadMarker,
  toLaterText,
  toThreadAnswers,
} from '../../domain/revision-text.ts';
import { keepForNextRound, wantNextRound } from '../next-round.ts';
import { wantStatusComment } from '../want-report.ts';
import { type EffectContext, type EffectDeps, toTarget } from './effect-deps.ts';

/** Answers each thread that a revision was about, once, and asks the reviewers again. Then comes what had to wait for it. */
export async function answerThreads(jobId: JobId, context: EffectContext, deps: EffectDeps): Promise<void> {
  const { store, github } = deps;
  const job = await store.jobs.get(jobId);
  const attempt = job?.attemptId == null ? null : await store.attempts.get(job.attemptId);
  if (!job || !attempt || job.revision === null || job.state !== 'succeeded') return;
  const { number } = job.revision.pullRequest;
  const target = toTarget(job);
  for (const { threadId, body } of toThreadAnswers({ job, attempt })) {
    const marker = threadMarker(job, threadId);
    await answerOnce(`thread-answer:${jobId}:${threadId}`, { threadId, marker, body });
  }
  const { revision } = job;
  const later = findLaterThreads({ job, attempt });
  for (const threadId of later.threadIds) {
    const body = toLaterText(revision, later.goesOn);
    const key = `thread-later:${job.repository.id}:${threadId}:${later.goesOn ? 'goes-on' : 'stays'}`;
    await answerOnce(key, { threadId, marker: laterMarker(threadId), body });
  }

  const { reviewers } = job.revision;
  const wishes = { reviewers, labels: [], assignee: null };
  const refused = reviewers.length === 0 ? [] : await github.addToPullRequest(toTarget(job), number, wishes);
  await store.transact(async (tx) => {
    for (const text of refused) await tx.tell(jobId, WISH_NOTICE, text);
    if (refused.length > 0) await wantStatusComment(tx, job, 'final');
    if (later.threadIds.length > 0 && later.goesOn) await keepForNextRound(tx, job);
    // Only now: threads without an answer would be worked on once more.
    await wantNextRound(tx, job);
  });

  async function answerOnce(
    key: string,
    answer: { threadId: number; marker: string; body: string },
  ): Promise<void> {
    if (await store.memory.getGitHubObject(key)) return;
    await github.answerThread(target, number, { ...answer, mayExist: context.isRepeat });
    const object = { objectId: answer.threadId, bodyHash: null };
    await store.memory.putGitHubObject(key, object, await store.nowMs());
  }
}

/** GitHub does not take the answers. What had to wait for them goes on. */
export async function giveUpAnswers(jobId: JobId, error: Error, { store }: EffectDeps): Promise<void> {
  const job = await store.jobs.get(jobId);
  if (!job) return;
  await store.transact(async (tx) => {
    await tx.tell(jobId, 'effect_refused', `GitHub refused the answers to the review: ${error.message}`);
    await wantNextRound(tx, job);
  });
}
