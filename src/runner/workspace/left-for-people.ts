import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttemptId } from '../../contract/identifiers.ts';
import { BUDGETS } from '../../domain/timings.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { removeTree } from './remove-tree.ts';

const DAY_MS = 24 * 60 * 60_000;

/** What stays on the machine for a person to look at: workspaces of attempts that were lost, and patches of refused work. */
export type LeftForPeople = {
  /** Moves the attempt's workspace there, in place of an earlier one of the same attempt. */
  setAside(attemptId: AttemptId, attemptFolder: string): Promise<void>;
  /** Removes all workspaces but the newest `most`, and those that are too old. */
  removeAside(most: number): Promise<void>;
  removeOldPatches(): Promise<void>;
};

export function createLeftForPeople(deps: {
  asideFolder: string;
  /** Of patches. */
  refusedFolder: string;
  clock: Clock;
  log: Logger;
}): LeftForPeople {
  const { asideFolder, refusedFolder, clock, log } = deps;

  async function removeAside(most: number): Promise<void> {
    const oldestMs = clock.nowMs() - BUDGETS.asideDays * DAY_MS;
    const names = await namesIn(asideFolder);
    const found = await Promise.all(
      names.map(async (name) => ({ name, atMs: (await stat(join(asideFolder, name))).ctimeMs })),
    );
    const newestFirst = found.toSorted((a, b) => b.atMs - a.atMs);
    for (const [place, { name, atMs }] of newestFirst.entries()) {
      if (place >= most || atMs < oldestMs) await removeTree(join(asideFolder, name));
    }
  }

  return {
    removeAside,
    async setAside(attemptId, attemptFolder) {
      const folder = join(asideFolder, attemptId);
      await mkdir(asideFolder, { recursive: true, mode: 0o700 });
      await removeTree(folder);
      await rename(attemptFolder, folder);
      await removeAside(BUDGETS.workspacesAside);
      log.info({ attemptId, folder }, 'The workspace of an attempt that is not ours any more was set aside');
    },
    async removeOldPatches() {
      const oldestMs = clock.nowMs() - BUDGETS.refusedPatchDays * DAY_MS;
      for (const name of await namesIn(refusedFolder)) {
        const file = join(refusedFolder, name);
        if ((await stat(file)).mtimeMs >= oldestMs) continue;
        await removeTree(file);
        log.info({ file }, 'Removed the patch of work that was not accepted');
      }
    },
  };
}

/** There is no such folder until the first one is kept. */
async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}
