import type { RepoSettings } from '../domain/repo-settings.ts';
import { isLimited } from '../domain/spending.ts';
import type { StoreTx } from '../store/store.ts';
import { parseKeptSettings } from './read-settings.ts';

/**
 * The limits of money and minutes that hold for a repository now, by its last settings without mistakes, so that a job that waits goes on
 * when they are raised; `null`: none.
 */
export type ReadLimitsInForce = (
  tx: Pick<StoreTx, 'memory'>,
  repositoryId: number,
) => Promise<RepoSettings['limits'] | null>;

/** What a text means is kept by the text itself: it is asked for at every offer, and YAML is slow. */
export function createLimitsInForce(): ReadLimitsInForce {
  const known = new Map<number, { text: string; limits: RepoSettings['limits'] | null }>();

  return async ({ memory }, repositoryId) => {
    const text = await memory.keptSettings(repositoryId);
    if (text === null) return null;
    const before = known.get(repositoryId);
    if (before?.text === text) return before.limits;
    const limits = toRunningLimits(parseKeptSettings(text));
    known.set(repositoryId, { text, limits });
    return limits;
  };
}

/** Jobs were counted when they were asked for. */
function toRunningLimits(settings: RepoSettings | null): RepoSettings['limits'] | null {
  if (settings === null) return null;
  const { repository, person } = settings.limits;
  const limits = {
    repository: { costUsd: repository.costUsd, minutes: repository.minutes },
    person: { costUsd: person.costUsd, minutes: person.minutes },
  };
  return isLimited(limits.repository) || isLimited(limits.person) ? limits : null;
}
