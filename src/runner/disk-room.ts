import { toError } from '../lib/to-error.ts';
import type { AttemptStop } from './attempt-stop.ts';
import type { Workspaces } from './workspace/workspace-types.ts';

/** In bytes: what has to be free for an attempt to begin, and for one under way to go on. The second is a part of the first. */
export type DiskFloors = { begin: number; goOn: number };

/** What the disk of the workspaces has room for. */
export type DiskRoom = {
  /** Free bytes, after mirrors that nobody uses were given up when they would be too few to begin anything. */
  forNewWork(): Promise<number>;
  /** Why work under way can't go on, although mirrors that nobody uses were given up for it; `null` = there is room. */
  toGoOn(): Promise<AttemptStop | null>;
  /** What just failed did so on a full disk; `null` = the disk is not to blame. Gives up nothing, which would hide it. */
  blame(failure: unknown): Promise<AttemptStop | null>;
};

/** What a write fails with when a disk, or what a user may have of it, is used up. */
const FULL_CODES = ['ENOSPC', 'EDQUOT'];

export function createDiskRoom(
  workspaces: Pick<Workspaces, 'freeDiskBytes' | 'makeRoom'>,
  floors: DiskFloors,
): DiskRoom {
  return {
    forNewWork: () => workspaces.makeRoom(floors.begin),
    toGoOn: async () => judgeRoom(await workspaces.makeRoom(floors.goOn), floors, null),
    blame: async (failure) => judgeRoom(await workspaces.freeDiskBytes(), floors, findFullCode(failure)),
  };
}

/** Whether an attempt has to end, and why, for people elsewhere: paths of the machine don't concern them. */
export function judgeRoom(
  freeBytes: number,
  { begin, goOn }: DiskFloors,
  code: string | null,
): AttemptStop | null {
  if (freeBytes <= goOn) {
    return {
      kind: 'disk_full',
      reason: `The disk of the runner is full: ${toMegabytes(freeBytes)} are free, and work under way needs more than ${toMegabytes(goOn)}, of inodes as well. Make room there (new work begins with ${toMegabytes(begin)}), or move workspace_root in runner.yml to a larger disk.`,
    };
  }
  if (code === null) return null;
  return {
    kind: 'disk_full',
    reason: `The runner could not write (${code}), although the disk of its workspaces has ${toMegabytes(freeBytes)} free: look at the quota of its user, at free inodes, and at the machine’s other disks.`,
  };
}

/** Also where it was wrapped on its way. */
function findFullCode(failure: unknown): string | null {
  for (let error = failure, depth = 0; error != null && depth < 10; depth += 1) {
    const { cause } = toError(error);
    if (error instanceof Error && 'code' in error && FULL_CODES.includes(String(error.code))) {
      return String(error.code);
    }
    error = cause;
  }
  return null;
}

function toMegabytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 ** 2).toLocaleString('en-US')} MiB`;
}
