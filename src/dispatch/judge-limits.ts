import type { RepoSettings } from '../domain/repo-settings.ts';
import { type DailyLimits, describeUse, judgeDailyLimit, toDayStartMs, toRest } from '../domain/spending.ts';
import type { Actor, RepositoryTarget } from '../domain/trigger.ts';
import type { StoreTx } from '../store/store.ts';

/**
 * What the limits of a day say to one more job, of the repository and of the person who asks. To be called in the transaction that
 * starts the job: two that start at once look one after the other. `refusal` and `warnings` are plain text, as is `used`: how much of each
 * limit is.
 */
export async function judgeLimits(
  tx: StoreTx,
  { target, sender }: { target: RepositoryTarget; sender: Actor },
  { limits }: Pick<RepoSettings, 'limits'>,
): Promise<{
  refusal: string | null;
  warnings: string[];
  used: string[];
  /** What is left for the job. */
  rest: Pick<DailyLimits, 'costUsd' | 'minutes'>;
}> {
  const { id: repositoryId, owner, name } = target.repository;
  const time = { sinceMs: toDayStartMs(tx.nowMs), nowMs: tx.nowMs };
  const requestedBy = sender.login;
  if (Object.values({ ...limits.repository, ...limits.person }).some((limit) => limit !== undefined))
    await tx.takeTurn('assign');
  const measured = [
    {
      whose: `${owner}/${name}`,
      used: await tx.spending.since({ repositoryId }, time),
      limits: limits.repository,
    },
    {
      whose: requestedBy,
      used: await tx.spending.since({ repositoryId, requestedBy }, time),
      limits: limits.person,
    },
  ];
  const verdicts = measured.map(({ whose, used, limits: most }) => judgeDailyLimit(whose, used, most));
  const told = (kind: 'refused' | 'warning') =>
    verdicts.flatMap((verdict) => (verdict.kind !== 'free' && verdict.kind === kind ? [verdict.reason] : []));
  return {
    refusal: told('refused')[0] ?? null,
    warnings: told('warning'),
    rest: toRest(measured),
    used: measured.flatMap(({ whose, used, limits: most }) => {
      const parts = describeUse(used, most);
      return parts.length === 0 ? [] : [`${whose} ${parts.join(', ')}`];
    }),
  };
}
