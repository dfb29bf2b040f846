import { chmod, mkdir, readdir, rename, stat, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AttemptId, CommitId } from '../../contract/identifiers.ts';
import type { JobSpec } from '../../contract/job.ts';
import { BranchName } from '../../domain/branch-name.ts';
import { BUDGETS } from '../../domain/timings.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { createGit } from './git.ts';
import type { Remote } from './git-environment.ts';
import { type Address, createRepositoryHold } from './hold-repository.ts';
import { choosePrunable, type InventoryItem, readInventory } from './inventory.ts';
import { createMirrors } from './mirror.ts';
import { removeTree } from './remove-tree.ts';
import { createWorkspace } from './workspace.ts';
import type { GitIntent, GitTokenSource, Workspace, Workspaces } from './workspace-types.ts';

export type WorkspacesOptions = {
  /** Holds everything: `mirrors/`, `attempts/`, `private/`, `refused/` and `aside/`. Only one process at a time may use it. */
  root: string;
  log: Logger;
  clock?: Clock;
  /** The runner's environment, of which git gets PATH, proxies and certificates. */
  machineEnv?: Readonly<Record<string, string | undefined>>;
  /** For one git command: in all when it talks to GitHub, without a sign of life when it doesn't. 15 minutes by default. */
  gitTimeoutMs?: number;
  /** For objects of Git LFS. */
  fetch?: typeof fetch;
  /** Clone and push by SSH with this private key, instead of by HTTP with tokens. */
  sshKeyFile?: string;
};

const DEFAULT_GIT_TIMEOUT_MS = 15 * 60_000;
const DAY_MS = 24 * 60 * 60_000;

/**
 * Workspaces below one folder. `mirrors/<repository id>.git` is shared by all attempts (mount it read-only for agents),
 * `attempts/<attempt id>/` is what an attempt sees, `private/<attempt id>.git`, `refused/` and `aside/` must never be mounted for one.
 */
export function createWorkspaces(options: WorkspacesOptions): Workspaces {
  const { log, clock = systemClock } = options;
  const root = resolve(options.root);
  const attemptsFolder = join(root, 'attempts');
  const privateFolder = join(root, 'private');
  const mirrorsFolder = join(root, 'mirrors');
  const refusedFolder = join(root, 'refused');
  const asideFolder = join(root, 'aside');
  const git = createGit({
    machineEnv: options.machineEnv ?? {},
    timeoutMs: options.gitTimeoutMs ?? DEFAULT_GIT_TIMEOUT_MS,
  });
  const mirrors = createMirrors({ folder: mirrorsFolder, git, clock, log });

  /** For nobody but this user, who may not be alone on the machine; also where they stand already, from whatever time. */
  async function makeFolders(): Promise<void> {
    for (const folder of [mirrorsFolder, attemptsFolder, privateFolder]) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await chmod(folder, 0o700);
    }
  }

  async function open(spec: JobSpec, tokens: GitTokenSource, signal: AbortSignal): Promise<Workspace> {
    checkNames(spec);
    const toUrl = options.sshKeyFile === undefined ? toHttpUrl : toSshUrl;
    const url = toUrl(spec.repository);
    const remoteFor = async (intent: GitIntent): Promise<Remote> => ({ url, access: await access(intent) });
    async function access(intent: GitIntent): Promise<Remote['access']> {
      if (options.sshKeyFile !== undefined) return { kind: 'ssh', keyFile: options.sshKeyFile };
      return { kind: 'token', token: await tokens(intent) };
    }

    const hold = createRepositoryHold({
      spec,
      mirrors,
      git,
      remoteFor: async (address) => ({ url: toUrl(address), access: await access({ kind: 'read' }) }),
      readToken: () => tokens({ kind: 'read' }),
      fetch: options.fetch ?? fetch,
      clock,
      signal,
    });
    const { attemptId } = spec;
    const attemptFolder = join(attemptsFolder, attemptId);
    const privateGitDir = join(privateFolder, `${attemptId}.git`);
    async function removeFolders(): Promise<void> {
      await removeTree(attemptFolder);
      await removeTree(privateGitDir);
    }
    async function remove(): Promise<void> {
      await removeFolders();
      await mirrors.release(spec.repository.id, attemptId);
    }
    async function setAside(): Promise<void> {
      const aside = join(asideFolder, attemptId);
      await mkdir(asideFolder, { recursive: true, mode: 0o700 });
      await removeTree(aside);
      await rename(attemptFolder, aside);
      await remove();
      await removeAside(BUDGETS.workspacesAside);
      log.info(
        { attemptId, folder: aside },
        'The workspace of an attempt that is not ours any more was set aside',
      );
    }

    signal.throwIfAborted();
    await makeFolders();
    await removeFolders();
    try {
      const objectsFolder = await hold.objects();
      return await createWorkspace({
        git,
        clock,
        log: log.child({ attemptId }),
        spec,
        attemptFolder,
        privateGitDir,
        refusedFolder,
        objectsFolder,
        ...hold.sources(objectsFolder),
        readRemote: () => remoteFor({ kind: 'read' }),
        publishRemote: (commit) => remoteFor({ kind: 'push', commit }),
        signal,
        remove,
        setAside,
      });
    } catch (error) {
      await remove();
      throw error;
    }
  }

  async function sweep(keep: readonly string[]): Promise<void> {
    const kept = new Set(keep);
    await makeFolders();
    for (const folder of [attemptsFolder, privateFolder]) {
      for (const name of await readdir(folder)) {
        // Also `<id>.git.new`, which a killed process did not finish.
        if (kept.has(name.replace(/\.git$/, ''))) continue;
        await removeTree(join(folder, name));
        log.info({ folder: join(folder, name) }, 'Removed what an earlier attempt left');
      }
    }
    await mirrors.sweep(kept);
    await removeOldPatches();
    await removeAside(BUDGETS.workspacesAside);
  }

  /** All but the newest `most`, and those that are too old. */
  async function removeAside(most: number): Promise<void> {
    const oldestMs = clock.nowMs() - BUDGETS.asideDays * DAY_MS;
    // There is no such folder until the first one is kept.
    const names = await readdir(asideFolder).catch(() => []);
    const found = await Promise.all(
      names.map(async (name) => ({ name, atMs: (await stat(join(asideFolder, name))).ctimeMs })),
    );
    const newestFirst = found.toSorted((a, b) => b.atMs - a.atMs);
    for (const [place, { name, atMs }] of newestFirst.entries()) {
      if (place >= most || atMs < oldestMs) await removeTree(join(asideFolder, name));
    }
  }

  async function removeOldPatches(): Promise<void> {
    const oldestMs = clock.nowMs() - BUDGETS.refusedPatchDays * DAY_MS;
    // There is no such folder until the first one is kept.
    for (const name of await readdir(refusedFolder).catch(() => [])) {
      const file = join(refusedFolder, name);
      if ((await stat(file)).mtimeMs >= oldestMs) continue;
      await removeTree(file);
      log.info({ file }, 'Removed the patch of work that was not accepted');
    }
  }

  async function freeDiskBytes(): Promise<number> {
    await mkdir(root, { recursive: true });
    const { bavail, bsize, files, ffree } = await statfs(root);
    const bytes = bavail * bsize;
    // Many small files use up the names before the blocks. Not every file system counts them.
    return files === 0 ? bytes : Math.min(bytes, ffree * bsize);
  }

  async function makeRoom(bytes: number): Promise<number> {
    const isEnough = async (): Promise<boolean> => (await freeDiskBytes()) > bytes;
    if (!(await isEnough())) await removeAside(0);
    if (!(await isEnough())) await mirrors.evict(isEnough);
    return await freeDiskBytes();
  }

  function inventory(): Promise<InventoryItem[]> {
    const holders = mirrors.holders();
    const attempts = new Set([...holders.values()].flatMap((held) => [...held]));
    return readInventory(root, { attempts, mirrors: new Set(holders.keys()) }, options.machineEnv ?? {});
  }

  async function prune(wanted: { unusedMs: number; isDryRun: boolean }): Promise<InventoryItem[]> {
    const { unusedMs, isDryRun } = wanted;
    const chosen = choosePrunable(await inventory(), { nowMs: clock.nowMs(), unusedMs });
    if (isDryRun) return chosen;
    const gone: InventoryItem[] = [];
    for (const item of chosen) if (await removeItem(item)) gone.push(item);
    log.info({ removed: gone.map(({ name }) => name) }, 'Removed what was not in use, as was asked for');
    return gone;
  }

  /** False when an attempt has begun to use it meanwhile. */
  async function removeItem({ kind, name, path }: InventoryItem): Promise<boolean> {
    switch (kind) {
      case 'mirror':
        return await mirrors.discard(path);
      case 'workspace':
        // An attempt that begins now has another id.
        await removeTree(join(attemptsFolder, name));
        await removeTree(join(privateFolder, `${name}.git`));
        return true;
      case 'aside':
      case 'patch':
        await removeTree(path);
        return true;
      default:
        return kind satisfies never;
    }
  }

  return { open, sweep, freeDiskBytes, inventory, prune, discard: removeItem, makeRoom };
}

/** Everything that becomes a path, a ref or an argument is checked here, whoever made the spec. */
function checkNames(spec: JobSpec): void {
  AttemptId.parse(spec.attemptId);
  CommitId.parse(spec.base.commit);
  CommitId.parse(spec.startCommit);
  BranchName.parse(spec.branch);
}

function toHttpUrl(repository: Address): string {
  const url = new URL(repository.cloneUrl);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new Error(`Repositories are cloned by https or http, not by ${url.protocol}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new Error('A clone address must not have a credential in it');
  }
  return url.href;
}

function toSshUrl(repository: Address): string {
  const { hostname } = new URL(repository.cloneUrl);
  return `ssh://git@${hostname}/${encodeURIComponent(repository.owner)}/${encodeURIComponent(repository.name)}.git`;
}
