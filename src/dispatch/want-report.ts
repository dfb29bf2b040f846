import type { Job } from '../domain/job.ts';
import type { StoreTx } from '../store/store.ts';

/** The issue's status comment is to show the newest state. `final`: this is how something ended. */
export async function wantStatusComment(
  tx: StoreTx,
  job: Pick<Job, 'installationId' | 'repository' | 'issue'>,
  weight: 'progress' | 'final' = 'progress',
): Promise<void> {
  await tx.want({
    effect: { kind: 'status-comment', repositoryId: job.repository.id, issueNumber: job.issue.number },
    installationId: job.installationId,
    weight,
  });
}
