import type { JobId } from '../../contract/identifiers.ts';
import { NEEDS_HUMAN_LABEL } from '../../domain/labels.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/** Puts the label on the pull request of a revision that says that a person has to look at it, or takes it off. */
export async function labelForPeople(
  { jobId, isNeeded }: { jobId: JobId; isNeeded: boolean },
  { store, github }: EffectDeps,
): Promise<void> {
  const job = await store.jobs.get(jobId);
  if (!job || job.revision === null) return;
  const target = toTarget(job);
  const { number } = job.revision.pullRequest;
  const { name } = NEEDS_HUMAN_LABEL;
  if (!isNeeded) return github.removeLabel(target, number, name);
  await github.ensureLabels(target, [NEEDS_HUMAN_LABEL]);
  await github.addToPullRequest(target, number, { reviewers: [], labels: [name], assignee: null });
}
