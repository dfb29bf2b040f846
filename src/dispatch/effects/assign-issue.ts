import type { JobId } from '../../contract/identifiers.ts';
import { isTerminal } from '../../domain/job-lifecycle.ts';
import { WISH_NOTICE } from '../../domain/job.ts';
import { wantStatusComment } from '../want-report.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/** Assigns the issue to whoever asked for the job: GitHub lets no App be assigned, and they look after it. */
export async function assignIssue(jobId: JobId, deps: EffectDeps): Promise<void> {
  const job = await deps.store.jobs.get(jobId);
  if (!job || isTerminal(job.state) || job.settings.assignIssue !== true) return;
  const refusal = await deps.github.assign(toTarget(job), job.issue.number, job.requestedBy);
  if (refusal === null) return;
  await deps.store.transact(async (tx) => {
    await tx.tell(jobId, WISH_NOTICE, `The issue could not be assigned to ${job.requestedBy}. ${refusal}`);
    await wantStatusComment(tx, job);
  });
}
