import type { JobId } from '../../contract/identifiers.ts';
import { isTerminal } from '../../domain/job-lifecycle.ts';
import { toLabelName } from '../../domain/labels.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';
import { JOBS_READ } from '../jobs-read.ts';

/**
 * Takes the job's `agent:<specialty>` off its issue once its pull request has ended: adding it again then asks for work again. Labels that
 * the settings map say something about the issue, and stay; so does a label that asked for newer work.
 */
export async function cleanLabel(jobId: JobId, { store, github }: EffectDeps): Promise<void> {
  const job = await store.jobs.get(jobId);
  if (!job || job.label === null || !isOurs(job.label) || job.pullRequest?.ended === undefined) return;
  const label = job.label.toLowerCase();
  const jobs = await store.jobs.ofIssue(job.repository.id, job.issue.number, JOBS_READ);
  const isNeeded = jobs.some(
    (other) =>
      // A revision of the pull request ends with it.
      other.kind === 'resolve' &&
      other.label?.toLowerCase() === label &&
      (!isTerminal(other.state) || other.createdAtMs > job.createdAtMs),
  );
  if (!isNeeded) await github.removeLabel(toTarget(job), job.issue.number, job.label);
}

function isOurs(label: string): boolean {
  return label.toLowerCase().startsWith(toLabelName(''));
}
