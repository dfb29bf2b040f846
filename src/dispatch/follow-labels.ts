import type { JobId } from '../contract/identifiers.ts';
import {
  differsFrom,
  explainLabelPriority,
  findLabelPriority,
  followsLabels,
  type LabelPriority,
  toJobPriority,
} from '../domain/priority-labels.ts';
import type { GitHub } from '../github/github.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { readSettingsWithAliases } from './read-situation.ts';
import { wantStatusComment } from './want-report.ts';

/** Gives a job that waits the priority that the labels of its issue stand for by now, unless a person gave it one. */
export async function followLabels(
  jobId: JobId,
  { store, github }: { store: Store; github: Pick<GitHub, 'readIssue' | 'readSettingsFile'> },
): Promise<void> {
  const seen = await store.jobs.get(jobId);
  if (!seen || !followsLabels(seen)) return;
  const target = { installationId: seen.installationId, repository: seen.repository };
  const [reading, inForce] = await Promise.all([
    github.readIssue(target, seen.issue.number),
    readSettingsWithAliases(target, { store, github }),
  ]);
  // Whatever became of the issue, its own webhook says; settings with mistakes say nothing of labels.
  if (!reading.found || inForce.problem !== null) return;
  const found = findLabelPriority(reading.issue.labels, inForce.settings.priorityLabels);
  await store.transact(async (tx) => {
    const job = await tx.jobs.lock(jobId);
    if (job && followsLabels(job) && differsFrom(found, job)) await follow(tx, job, found);
  });
}

async function follow(tx: StoreTx, job: StoredJob, found: LabelPriority | null): Promise<void> {
  const wanted = toJobPriority(found);
  await tx.jobs.change(job.id, wanted, tx.nowMs);
  await tx.tell(job.id, 'priority', explainLabelPriority(found));
  if (wanted.priority === job.priority) return;
  await wantStatusComment(tx, job);
  tx.wake('queue');
}

/** Of these jobs, those that wait and go by the labels of their issue find out anew which priority they have. Answers how many they are. */
export async function wantPriorities(tx: StoreTx, jobs: readonly StoredJob[]): Promise<number> {
  const following = jobs.filter(followsLabels);
  for (const { id: jobId, installationId } of following)
    await tx.want({ effect: { kind: 'job-priority', jobId }, installationId });
  return following.length;
}
