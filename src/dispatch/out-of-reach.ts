import type { RepositoryTarget } from '../domain/trigger.ts';
import type { StoreTx } from '../store/store.ts';
import { sayCheckRunAgain, sayStatusAgain } from './say-again.ts';

/**
 * The App reaches the repository, perhaps by another installation than before: status comments, check runs and start commits of what ended while it
 * did not are brought up to date. Returns of how many jobs; each is told of once.
 */
export async function sayEndsAgain(tx: StoreTx, target: RepositoryTarget): Promise<number> {
  const { installationId, repository } = target;
  const ids = await tx.sweeps.takeOutOfReach(repository.id);
  if (ids.length === 0) return 0;
  await tx.jobs.changeRepository(target);
  for (const id of ids) {
    const job = await tx.jobs.get(id);
    if (job === null) continue;
    await sayStatusAgain(tx, job);
    for (const attempt of await tx.attempts.ofJob(id))
      // One that is not over is its runner's still, and says its end itself.
      if (attempt.finishedAtMs !== null) await sayCheckRunAgain(tx, job, attempt);
    await tx.want({ effect: { kind: 'clean-branch', jobId: id }, installationId });
  }
  return ids.length;
}
