import { chmod, lstat, mkdir, readdir, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AttemptId, CommitId } from '../../contract/identifiers.ts';
import type { JobSpec } from '../../contract/job.ts';
import { BranchName } from '../../domain/branch-name.ts';
import { BUDGETS } from '../../domain/timings.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { toHttpUrl, toSshUrl } from './clone-address.ts';
import { createGit } from './git.ts';
import type { Remote } from './git-environment.ts';
import { createRepositoryHold } from './hold-repository.ts';
import { choosePrunable, type InventoryItem, readInventory } from './inventory.ts';
import type { KeptRecord } from './kept/kept-record.ts';
import { createKeptWorkspaces, type KeptWorkspaces } from './kept/kept-workspaces.ts';
import type { Keeping, KeepWish } from './kept/keeping.ts';
import { createLeftForPeople } from './left-for-people.ts';
import { createMirrors } from './mirror.ts';
import { removeTree } from './remove-tree.ts';
import { createWorkspace } from './workspace.ts';
import type { GitIntent, GitTokenSource, Workspace, Workspaces } from './workspace-types.ts';

export type WorkspacesOptions = {
  /** Holds everything: `mirrors/`, `attempts/`, `private/`, `refused/`, `aside/` and `kept/`. Only one process at a time may use it. */
  root: string;
  log: Logger;
  clock?: Clock;
  /** The runner's environment, of which git gets PATH, proxies and certificates. */
  machineEnv?: Readonly<Record<string, string | undefined>>;
  /** For one git command: in all when it talks to GitHub, without a sign of life when it doesn't. 15 minutes by default. */
  gitTimeoutMs?: number;
  /** For objects of Git LFS. */
  fetch?: typeof fetch;
  /** How long what is safe of a workspace is kept for the next round of its pull request; 0: not at all. */
  keepMs?: number;
  /** Clone and push by SSH with this private key, instead of by HTTP with tokens. */
  sshKeyFile?: string;
};

const DEFAULT_GIT_TIMEOUT_MS = 15 * 60_000;

/**
 * Workspaces below one folder. `mirrors/<repository id>.git` is shared by all attempts (mount it read-only for agents),
 * `attempts/<attempt id>/` is what an attempt sees, and a later one that takes what was kept of it; `private/<the same>.git`, `refused/`,
 * `aside/` and `kept/` must never be mounted for one.
 */
export function createWorkspaces(options: WorkspacesOptions): Workspaces {
  const { log, clock = systemClock } = options;
  const root = resolve(options.root);
  const attemptsFolder = join(root, 'attempts');
  const privateFolder = join(root, 'private');
  const mirrorsFolder = join(root, 'mirrors');
  const refusedFolder = join(root, 'refused');
  const leftForPeople = createLeftForPeople({ asideFolder: join(root, 'aside'), refusedFolder, clock, log });
  const git = createGit({
    machineEnv: options.machineEnv ?? {},
    timeoutMs: options.gitTimeoutMs ?? DEFAULT_GIT_TIMEOUT_MS,
  });
  const mirrors = createMirrors({ folder: mirrorsFolder, git, clock, log });
  const keepMs = options.keepMs ?? BUDGETS.keptWorkspaceHours * 60 * 60_000;
  const keptOnes = createKeptWorkspaces({ folder: join(root, 'kept'), attemptsFolder, keepMs, clock, log });
  /** Names of folders of attempts under way → the attempts. */
  const inUse = new Map<string, AttemptId>();

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
    // Before anything is taken: what waits for the next round must not be lost to a cut.
    signal.throwIfAborted();
    await makeFolders();
    const objectsFolder = await holdObjects();
    const taken = await takeKept(spec);
    if (taken.kind === 'none') return await openAt(spec.attemptId, { whyNot: taken.why });
    try {
      return await openAt(taken.record.attemptId, taken.record);
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ err: error, attemptId: spec.attemptId }, 'A kept workspace could not be used');
      await holdObjects();
      return await openAt(spec.attemptId, { whyNot: 'what was kept of the work before could not be used' });
    }

    async function holdObjects(): Promise<string> {
      try {
        return await hold.objects();
      } catch (error) {
        await mirrors.release(spec.repository.id, spec.attemptId);
        throw error;
      }
    }

    /** `name`: of the folder. A kept one stays where it is, since installations hold their own paths. */
    async function openAt(name: AttemptId, kept: KeptRecord | { whyNot: string }): Promise<Workspace> {
      const { attemptId } = spec;
      const attemptFolder = join(attemptsFolder, name);
      const privateGitDir = join(privateFolder, `${name}.git`);
      inUse.set(name, attemptId);

      async function letGo(): Promise<void> {
        await removeTree(privateGitDir);
        await mirrors.release(spec.repository.id, attemptId);
      }
      async function remove(): Promise<void> {
        // Once it is kept, or removed, it may be another attempt's.
        if (inUse.get(name) !== attemptId) return;
        await removeTree(attemptFolder);
        await letGo();
        inUse.delete(name);
      }
      async function setAside(): Promise<void> {
        await leftForPeople.setAside(attemptId, attemptFolder);
        await remove();
      }
      async function keep(keeping: Keeping, wish: KeepWish): Promise<void> {
        if (keepMs === 0) return await remove();
        try {
          const parts = await keeping.strip(wish);
          await letGo();
          const { repository, branch } = spec;
          const { head } = wish;
          const about = { attemptId: name, repositoryId: repository.id, branch, head };
          await keptOnes.put({ ...about, ...parts, keptAtMs: clock.nowMs() });
          // Another attempt may have taken it since.
          if (inUse.get(name) === attemptId) inUse.delete(name);
        } catch (error) {
          log.warn({ err: error, attemptId }, 'A workspace could not be kept for a next round');
          await remove();
        }
      }

      try {
        if ('whyNot' in kept) await removeTree(attemptFolder);
        else await checkKept(attemptFolder);
        await removeTree(privateGitDir);
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
          kept,
          mayKeep: keepMs > 0,
          remove,
          keep,
          setAside,
        });
      } catch (error) {
        await remove();
        throw error;
      }
    }
  }

  /** Never rejects: without it there is only more to do. */
  async function takeKept({ repository, branch, revision }: JobSpec): ReturnType<KeptWorkspaces['take']> {
    if (!revision) return { kind: 'none', why: '' };
    try {
      return await keptOnes.take({ repositoryId: repository.id, branch });
    } catch (error) {
      log.warn({ err: error }, 'What is kept of earlier work can’t be looked at');
      return { kind: 'none', why: 'what is kept on this runner can’t be looked at' };
    }
  }

  async function sweep(keep: readonly string[]): Promise<void> {
    const held = new Set(keep);
    await makeFolders();
    const kept = new Set(await keptOnes.sweep());
    for (const folder of [attemptsFolder, privateFolder]) {
      for (const name of await readdir(folder)) {
        // Also `<id>.git.new`, which a killed process did not finish.
        if (held.has(name.replace(/\.git$/, ''))) continue;
        if (folder === attemptsFolder && kept.has(name)) continue;
        await removeTree(join(folder, name));
        log.info({ folder: join(folder, name) }, 'Removed what an earlier attempt left');
      }
    }
    await mirrors.sweep(held);
    await leftForPeople.removeOldPatches();
    await leftForPeople.removeAside(BUDGETS.workspacesAside);
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
    await keptOnes.removeOld();
    if (!(await isEnough())) await leftForPeople.removeAside(0);
    if (!(await isEnough())) await keptOnes.makeRoom(isEnough);
    if (!(await isEnough())) await mirrors.evict(isEnough);
    return await freeDiskBytes();
  }

  async function inventory(): Promise<InventoryItem[]> {
    const kept = new Map((await keptOnes.list()).map(({ attemptId, keptAtMs }) => [attemptId, keptAtMs]));
    const held = { attempts: inUse, kept, mirrors: new Set(mirrors.holders().keys()) };
    return await readInventory(root, held, options.machineEnv ?? {});
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
      case 'kept': {
        const record = (await keptOnes.list()).find(({ attemptId }) => attemptId === name);
        return record !== undefined && (await keptOnes.discard(record, 'its room is needed'));
      }
      case 'mirror':
        return await mirrors.discard(path);
      case 'workspace':
        // An attempt that begins now has another id, or takes what was kept.
        if (inUse.has(name)) return false;
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

/** What is taken for an installation must be one. */
async function checkKept(attemptFolder: string): Promise<void> {
  for (const name of ['work', 'home', 'agent']) {
    const folder = join(attemptFolder, name);
    if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is no folder`);
  }
}

/** Everything that becomes a path, a ref or an argument is checked here, whoever made the spec. */
function checkNames(spec: JobSpec): void {
  AttemptId.parse(spec.attemptId);
  CommitId.parse(spec.base.commit);
  CommitId.parse(spec.startCommit);
  BranchName.parse(spec.branch);
}
