import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from '../../lib/run-command.ts';
import { type MachineEnv, pickVariables } from '../agents/agent-environment.ts';
import { MIRROR_NAME } from './mirror-name.ts';

/**
 * `workspace`: of an attempt. `kept`: what is kept of one for the next round of its pull request. `aside`: what was left of one that was
 * lost to others. `mirror`: the bare copy of a repository. `patch`: of work that was not accepted.
 */
export const ITEM_KINDS = ['workspace', 'kept', 'aside', 'mirror', 'patch'] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

/** Something that takes room below a workspace root. */
export type InventoryItem = {
  kind: ItemKind;
  /** Attempt, `owner/name` (or what the mirror is called) or file. */
  name: string;
  /** What is shown to people and opened; a workspace has more folders beside it. */
  path: string;
  bytes: number;
  /** Wall clock. */
  usedMs: number;
  isInUse: boolean;
};

/** What attempts under way hold. */
export type Holds = {
  /** Name of its folder → the attempt. */
  attempts: ReadonlyMap<string, string>;
  mirrors: ReadonlySet<string>;
  /** Name of its folder → since when, by wall clock. */
  kept: ReadonlyMap<string, number>;
};

/** In a mirror: whose it is, for people. Git leaves this file alone. */
export const MIRROR_NAME_FILE = 'description';

const DU_LIMIT_MS = 120_000;

/** All that takes room below `root`, the largest first. What vanishes meanwhile is left out. */
export async function readInventory(
  root: string,
  holds: Holds,
  machineEnv: MachineEnv,
): Promise<InventoryItem[]> {
  const [attempts, aside, mirrors, patches] = await Promise.all([
    listFolder(path.join(root, 'attempts')),
    listFolder(path.join(root, 'aside')),
    listFolder(path.join(root, 'mirrors')),
    listFolder(path.join(root, 'refused')),
  ]);
  const found = [
    ...attempts.map((file) => {
      const name = path.basename(file);
      const isInUse = holds.attempts.has(name);
      const kind = holds.kept.has(name) && !isInUse ? ('kept' as const) : ('workspace' as const);
      return { kind, file, name: holds.attempts.get(name) ?? name, used: file, isInUse };
    }),
    ...aside.map((file) => ({
      kind: 'aside' as const,
      file,
      name: path.basename(file),
      used: file,
      isInUse: false,
    })),
    ...mirrors
      .filter((file) => MIRROR_NAME.test(path.basename(file)))
      // The runner notes each use of a mirror on this file.
      .map((file) => ({
        kind: 'mirror' as const,
        file,
        name: null,
        used: path.join(file, 'HEAD'),
        isInUse: holds.mirrors.has(file),
      })),
    ...patches.map((file) => ({
      kind: 'patch' as const,
      file,
      name: path.basename(file),
      used: file,
      isInUse: false,
    })),
  ];
  const sizes = await readSizes(
    found.map(({ file }) => file),
    root,
    machineEnv,
  );
  const items = await Promise.all(
    found.map(async ({ kind, file, name, used, isInUse }): Promise<InventoryItem | null> => {
      const facts = await stat(used).catch(() => null);
      const bytes = sizes.get(file);
      if (facts === null || bytes === undefined) return null;
      return {
        kind,
        name: name ?? (await readMirrorName(file)),
        path: kind === 'workspace' || kind === 'kept' ? path.join(file, 'work') : file,
        bytes,
        usedMs: (kind === 'kept' ? holds.kept.get(path.basename(file)) : undefined) ?? facts.mtimeMs,
        isInUse,
      };
    }),
  );
  return items.filter((item) => item !== null).toSorted((a, b) => b.bytes - a.bytes);
}

/**
 * What may go: never what is in use; workspaces that no attempt holds, which are left-overs; all else that was not used for `unusedMs`.
 * They come back by themselves when they are needed, patches apart.
 */
export function choosePrunable(
  items: readonly InventoryItem[],
  { nowMs, unusedMs }: { nowMs: number; unusedMs: number },
): InventoryItem[] {
  return items.filter(
    ({ kind, usedMs, isInUse }) => !isInUse && (kind === 'workspace' || nowMs - usedMs >= unusedMs),
  );
}

async function readMirrorName(mirror: string): Promise<string> {
  // One of an older version has none.
  const name = await readFile(path.join(mirror, MIRROR_NAME_FILE), 'utf8').catch(() => '');
  const [line = ''] = name.split('\n');
  return /^[\w.-]+\/[\w.-]+$/.test(line) ? line : path.basename(mirror);
}

/** By du(1): a workspace may hold some hundred thousand files. */
async function readSizes(
  files: readonly string[],
  cwd: string,
  machineEnv: MachineEnv,
): Promise<Map<string, number>> {
  if (files.length === 0) return new Map();
  const result = await runCommand({
    command: ['du', '-sk', '--', ...files],
    cwd,
    env: pickVariables(machineEnv, ['PATH']),
    timeoutMs: DU_LIMIT_MS,
    maxOutputBytes: 1024 ** 2,
    keepStdout: true,
  });
  if (result.spawnError !== null) throw new Error(`There is no du here: ${result.spawnError.message}`);
  // It goes on after what it can't read, and says so in its exit code only.
  const lines = (result.stdout ?? '').split('\n').map((line) => /^(\d+)\t(.*)$/.exec(line));
  return new Map(
    lines.flatMap((match) => (match === null ? [] : [[match[2] ?? '', Number(match[1]) * 1024]])),
  );
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).map((name) => path.join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
