import type { JobId } from '../../contract/identifiers.ts';
import type { TriggerOutcome } from '../trigger-outcome.ts';
import { prepareRevision } from '../wish-revision.ts';
import { type EffectDeps, toTarget } from './effect-deps.ts';

/** Starts the revision that a review wants which came while this job was under way, as if it had come now. */
export async function beginNextRound(jobId: JobId, deps: EffectDeps): Promise<void> {
  const { store, log } = deps;
  const job = await store.jobs.get(jobId);
  if (!job?.revision) return;
  const { number } = job.revision.pullRequest;
  const repositoryId = job.repository.id;
  const waiting = await store.reviews.getWaiting(repositoryId, number);
  if (waiting === null) return;

  const { sender, at } = waiting;
  const work = await prepareRevision(
    toTarget(job),
    number,
    {
      cause: 'review',
      sender: { ...sender, isBot: false },
      at,
      checks: [],
      key: `waited:${jobId}`,
      hasWaited: true,
      reason: (who) => `${who} requested changes while it was worked on`,
    },
    deps,
  );
  const outcome = await store.transact(async (tx): Promise<TriggerOutcome> => {
    const now = await tx.reviews.getWaiting(repositoryId, number);
    // Somebody else has begun a round meanwhile, with all that was said; or said more during one, whose end asks for this again.
    if (now?.at !== at || now.sender.id !== sender.id)
      return { kind: 'ignored', reason: 'it does not wait any more' };
    const done = await work(tx);
    // Noted: it waits on.
    if (done.kind !== 'noted') await tx.reviews.dropWaiting(repositoryId, number);
    return done;
  });
  log.info({ jobId, pullRequest: number, ...outcome }, 'A review has waited for the end of a round');
}
