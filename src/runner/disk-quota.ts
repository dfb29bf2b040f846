import type { AttemptStop } from './attempt-stop.ts';
import type { InventoryItem } from './workspace/inventory.ts';

/** In bytes; `null` = no limit. */
export type DiskQuota = {
  /** Of all below the workspace root: what nobody uses goes, until the rest is within it. */
  total: number | null;
  /** Of what one attempt may take. */
  attempt: number | null;
};

export const GIGABYTE = 1024 ** 3;
/** Far more than a checkout with all that it installs and builds; less than what fills an ordinary disk. */
export const DEFAULT_ATTEMPT_GB = 50;

/** Workspaces that nobody holds are left-overs, which the start sweeps; patches are somebody's work, and small. */
const STAYS: readonly InventoryItem['kind'][] = ['workspace', 'patch'];

/** What has to go for the rest to be within the quota: the longest unused first, never what is in use. */
export function chooseOverQuota(
  items: readonly InventoryItem[],
  { total }: Pick<DiskQuota, 'total'>,
): InventoryItem[] {
  if (total === null) return [];
  let bytes = sumBytes(items);
  const chosen: InventoryItem[] = [];
  const candidates = items.filter(({ kind, isInUse }) => !isInUse && !STAYS.includes(kind));
  for (const item of candidates.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (bytes <= total) break;
    chosen.push(item);
    bytes -= item.bytes;
  }
  return chosen;
}

/** Why an attempt that takes so much has to end; `null` = it may go on. For people elsewhere. */
export function judgeAttemptUse(bytes: number, { attempt }: Pick<DiskQuota, 'attempt'>): AttemptStop | null {
  if (attempt === null || bytes <= attempt) return null;
  return {
    kind: 'over_quota',
    reason: `The attempt took ${toGigabytes(bytes)} of the runner’s disk, more than the ${toGigabytes(attempt)} that one may take (disk.attempt_max_gb in runner.yml).`,
  };
}

export function sumBytes(items: readonly Pick<InventoryItem, 'bytes'>[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** `3.5 GiB`. */
function toGigabytes(bytes: number): string {
  return `${(bytes / GIGABYTE).toFixed(bytes < GIGABYTE ? 2 : 1)} GiB`;
}

/** For people: what the workspaces take, and what they may. */
export function describeUse(bytes: number, { total, attempt }: DiskQuota): string {
  const most = total === null ? '' : ` of ${toGigabytes(total)}`;
  return `${toGigabytes(bytes)}${most} taken${attempt === null ? '' : `, ${toGigabytes(attempt)} for each attempt`}`;
}
