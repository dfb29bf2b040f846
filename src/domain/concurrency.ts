import type { Job } from './job.ts';

/** Specialty → jobs of one repository that a runner has, or was offered. */
export type AtWork = ReadonlyMap<string, number>;

/** Why a job waits although a runner may have room. */
export type Full = { code: 'repository_full' | 'specialty_full'; reason: string };

/** `null`: by the settings that the job was asked for under, one more may begin. */
export function findFull(
  { specialty, settings: { concurrency } }: Pick<Job, 'specialty' | 'settings'>,
  atWork: AtWork,
): Full | null {
  const all = [...atWork.values()].reduce((sum, count) => sum + count, 0);
  const alike = atWork.get(specialty) ?? 0;
  const { repository: most = Infinity, specialty: mostAlike = Infinity } = concurrency ?? {};
  if (all >= most) return { code: 'repository_full', reason: explain(all, most, 'jobs') };
  if (alike >= mostAlike)
    return { code: 'specialty_full', reason: explain(alike, mostAlike, `${specialty} jobs`) };
  return null;
}

function explain(count: number, most: number, what: string): string {
  return `${count} of ${most} ${what} of this repository are at work (concurrency in the settings). It begins when one of them has ended.`;
}
