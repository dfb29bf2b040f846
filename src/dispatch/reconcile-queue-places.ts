import { BUDGETS } from '../domain/timings.ts';
import type { SweepDeps, SweepFindings } from './sweep-deps.ts';
import { wantStatusComment } from './want-report.ts';

/**
 * Has the comments of those who are next told their places anew. A comment whose text is still true is not sent, so that this costs as many
 * writes as places have changed; those further behind are told when something else happens to them.
 */
export async function sweepQueuePlaces({ store }: Pick<SweepDeps, 'store'>): Promise<SweepFindings> {
  const next = await store.jobs.nextInQueue(BUDGETS.toldQueuePlaces);
  await store.transact(async (tx) => {
    for (const job of next) await wantStatusComment(tx, job);
  });
  return {};
}
