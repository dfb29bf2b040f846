import { lstat, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentTask } from './agent.ts';

/** Places of the XDG base directories, below HOME and below the agent's folder alike. */
const XDG_PLACES = {
  XDG_CONFIG_HOME: ['.config'],
  XDG_DATA_HOME: ['.local', 'share'],
  XDG_STATE_HOME: ['.local', 'state'],
  XDG_CACHE_HOME: ['.cache'],
} as const;
/** More programs than any machine has. */
const MAX_LINKS = 1000;

/**
 * Makes a folder below the agent's own, and answers with its path. An earlier round could write there: no link that it left leads the
 * runner elsewhere.
 */
export async function makeInAgentFolder(agentFolder: string, ...names: readonly string[]): Promise<string> {
  let folder = agentFolder;
  for (const name of names) {
    folder = join(folder, name);
    if (!(await isFolder(folder))) await rm(folder, { force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  return folder;
}

/** Variables that lead whoever keeps to the XDG base directories to the agent's folder; see `prepareXdgFolders`. */
export function toXdgVariables(agentFolder: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(XDG_PLACES).map(([variable, names]) => [variable, join(agentFolder, ...names)]),
  );
}

/**
 * Makes the folders of `toXdgVariables`. The commands that the agent runs follow these variables too: what others than the agent (`own`:
 * its names there) have in HOME, such as caches and environments of package managers, is linked, so that they find it.
 */
export async function prepareXdgFolders(
  { agentFolder, homeFolder }: Pick<AgentTask, 'agentFolder' | 'homeFolder'>,
  own: readonly string[],
): Promise<void> {
  for (const names of Object.values(XDG_PLACES)) {
    const folder = await makeInAgentFolder(agentFolder, ...names);
    const others = await listOthers(homeFolder, names, own);
    for (const { name, path } of others)
      // What the agent's own commands have made there meanwhile stays.
      if ((await lstat(join(folder, name)).catch(() => null)) === null)
        await symlink(path, join(folder, name));
  }
}

/** Set-up and tests write in HOME: links that they left are not followed here, since they may lead out of their sandbox. */
async function listOthers(
  homeFolder: string,
  names: readonly string[],
  own: readonly string[],
): Promise<{ name: string; path: string }[]> {
  let folder = homeFolder;
  for (const name of names) {
    folder = join(folder, name);
    if (!(await isFolder(folder))) return [];
  }
  const found = (await readdir(folder)).filter((name) => !own.includes(name));
  return found.slice(0, MAX_LINKS).map((name) => ({ name, path: join(folder, name) }));
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null))?.isDirectory() === true;
}
