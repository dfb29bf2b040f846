import type { Measured } from '../domain/day-rest.ts';
import type { RepoSettings } from '../domain/repo-settings.ts';
import { describeUse, isLimited, judgeDailyLimit, toDayStartMs } from '../domain/spending.ts';
import type { Actor, RepositoryTarget } from '../domain/trigger.ts';
import type { StoredJob } from '../store/stored-job.ts';
import type { StoreTx } from '../store/store.ts';

type Limits = RepoSettings['limits'];

/**
 * What the limits of a day say to one more job, of the repository and of the person who asks. To be called in the transaction that
 * starts the job: two that start at once look one after the other. `refusal` and `warnings` are plain text, as is `used`: how much of each
 * limit is. What is left for the job when its turn has come is looked at then.
 */
export async function judgeLimits(
  tx: StoreTx,
  { target, sender }: { target: RepositoryTarget; sender: Actor },
  { limits }: Pick<RepoSettings, 'limits'>,
): Promise<{ refusal: string | null; warnings: string[]; used: string[] }> {
  if (isLimited(limits.repository) || isLimited(limits.person)) await tx.takeTurn('assign');
  const measured = await measureDay(tx, { repository: target.repository, requestedBy: sender.login }, limits);
  const verdicts = measured.map(({ whose, used, limits: most }) => judgeDailyLimit(whose, used, most));
  const told = (kind: 'refused' | 'warning') =>
    verdicts.flatMap((verdict) => (verdict.kind !== 'free' && verdict.kind === kind ? [verdict.reason] : []));
  return {
    refusal: told('refused')[0] ?? null,
    warnings: told('warning'),
    used: measured.flatMap(({ whose, used, limits: most }) => {
      const parts = describeUse(used, most);
      return parts.length === 0 ? [] : [`${whose} ${parts.join(', ')}`];
    }),
  };
}

/** The day so far, of the repository and of whoever asked for the job, beside their limits; nothing is read where there are none. */
export async function measureDay(
  { spending, nowMs }: Pick<StoreTx, 'spending' | 'nowMs'>,
  { repository, requestedBy }: Pick<StoredJob, 'repository' | 'requestedBy'>,
  limits: Limits,
): Promise<Measured[]> {
  const { id: repositoryId, owner, name } = repository;
  const time = { sinceMs: toDayStartMs(nowMs), nowMs };
  const all = [
    { whose: `${owner}/${name}`, of: { repositoryId }, limits: limits.repository },
    { whose: requestedBy, of: { repositoryId, requestedBy }, limits: limits.person },
  ].filter(({ limits: most }) => isLimited(most));
  const measured: Measured[] = [];
  for (const { whose, of, limits: most } of all)
    measured.push({ whose, limits: most, ...(await spending.ofDay(of, time)) });
  return measured;
}
