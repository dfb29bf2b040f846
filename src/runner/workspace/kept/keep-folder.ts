import type { BigIntStats } from 'node:fs';
import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../remove-tree.ts';
import type { MadeBySetUp } from './made-by-set-up.ts';
import { type AlsoKeep, keepOnly } from './stamp-files.ts';

/** A longer conversation fits no model. */
const MAX_SESSION_BYTES = 64 * 1024 ** 2;
const MAX_SESSION_FILES = 500;
const NOTHING: MadeBySetUp = { work: new Map(), home: new Map() };
const NO_FILE: AlsoKeep = () => false;
const NO_SESSION: SessionRules = { isFile: () => false, holdsSecret: () => false };

/** Which files below the agent's folder are the session's, and what must not stand in them. */
export type SessionRules = { isFile: (path: string) => boolean; holdsSecret: (text: string) => boolean };

export type FolderKept = {
  /** What set-up had made and was changed or removed since: then nothing of it is kept. `null` = nothing was. */
  changed: string | null;
  /** Below the agent's folder. Empty when there are none, too many, or one of them holds a secret. */
  sessionFiles: string[];
};

/**
 * Removes from an attempt's folder all that whatever ran there can have written, once nothing runs any more: the whole work tree with its
 * `.git`, TMPDIR, HOME, and the agent's folder. What is left is what set-up made before any agent was there (`made`), if all of that is
 * still as it was then, and the plain files of the agent's session: text of an agent, which nothing runs.
 */
export async function keepFolder(options: {
  attemptFolder: string;
  made: MadeBySetUp | null;
  session: SessionRules | null;
}): Promise<FolderKept> {
  const { attemptFolder, made } = options;
  const toFolder = (name: string): string => join(attemptFolder, name);
  const [work, home, agent] = [toFolder('work'), toFolder('home'), toFolder('agent')];
  for (const name of await readdir(attemptFolder))
    if (![work, home, agent].includes(toFolder(name))) await removeTree(toFolder(name));

  const session = collectSession(options.session ?? NO_SESSION);
  const wanted = made ?? NOTHING;
  // The session first, then HOME: what has another name in what is removed later must still be seen to have it.
  await keepOnly(agent, new Map(), session.alsoKeep);
  const missing = [
    ...(await keepOnly(home, wanted.home, NO_FILE)),
    ...(await keepOnly(work, wanted.work, NO_FILE)),
  ];
  // Half an installation is none.
  if (missing.length > 0) {
    await keepOnly(work, NOTHING.work, NO_FILE);
    await keepOnly(home, NOTHING.home, NO_FILE);
  }
  const sessionFiles = await session.settle(agent);
  const [changed = null] = missing;
  return { changed, sessionFiles };
}

/** Takes away what set-up made, in a work tree without files of the repository, or with them (`tracked`, as stamps name paths). */
export async function dropSetUp(options: {
  folder: string;
  homeFolder: string;
  tracked: ReadonlySet<string>;
}): Promise<void> {
  const { folder, homeFolder, tracked } = options;
  const isOwn: AlsoKeep = (path) => tracked.has(path) || path === '.git';
  await keepOnly(folder, new Map(), isOwn);
  await keepOnly(homeFolder, new Map(), NO_FILE);
}

/** Takes away what an agent would go on with. */
export async function dropSession(agentFolder: string): Promise<void> {
  await keepOnly(agentFolder, new Map(), NO_FILE);
}

/** Only plain files with no other name: a link would show, or hide, what is not the session's. */
function collectSession({ isFile, holdsSecret }: SessionRules): {
  alsoKeep: AlsoKeep;
  settle(agentFolder: string): Promise<string[]>;
} {
  const found = new Map<string, bigint>();
  return {
    alsoKeep: (path, facts: BigIntStats) => {
      if (!facts.isFile() || facts.nlink !== 1n || !isFile(path)) return false;
      found.set(path, facts.size);
      return true;
    },
    settle: async (agentFolder) => {
      const bytes = [...found.values()].reduce((sum, size) => sum + size, 0n);
      const files = [...found.keys()];
      const isTooMuch = bytes > MAX_SESSION_BYTES || files.length > MAX_SESSION_FILES;
      if (isTooMuch || (await someHold(files))) {
        await dropSession(agentFolder);
        return [];
      }
      return files;

      async function someHold(paths: readonly string[]): Promise<boolean> {
        for (const path of paths) {
          await chmod(toName(agentFolder, path), 0o600);
          if (holdsSecret(await readFile(toName(agentFolder, path), 'utf8'))) return true;
        }
        return false;
      }
    },
  };
}

/** Paths of stamps are bytes. */
function toName(folder: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')]);
}
