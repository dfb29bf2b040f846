import { lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  parseSubmodules,
  toSubmoduleAddress,
  type SubmoduleRepository,
} from '../../domain/submodule-address.ts';
import type { Logger } from '../../lib/logger.ts';
import { createGitDir } from './create-git-dir.ts';
import type { Git } from './git.ts';
import { GitCommandError } from './git-command-error.ts';
import { isPlainPath } from './plain-path.ts';
import { createWorkIndex, type WorkIndex } from './work-index.ts';

/** A link to a commit of another repository, as a tree has it. */
export type Gitlink = { path: string; commit: string };

/** A submodule that stands in the workspace, and a view of it that the workspace never had. */
export type Submodule = {
  path: string;
  folder: string;
  index: WorkIndex;
  /** Of its commit. */
  tree: string;
  objectsFolder: string;
};

/** `missing`: what could not be checked out, and why, for people. */
export type CheckedOut = { submodules: Submodule[]; missing: { path: string; reason: string }[] };

/** Gives the `objects` folder of a mirror of the repository that has the commit. Throws `GitCommandError` when it can't be read. */
export type HoldSubmodule = (repository: SubmoduleRepository, commit: string) => Promise<string>;

/** More than this is no repository that somebody works on. */
const MAX_SUBMODULES = 100;
const MAX_DEPTH = 4;
const NO_GIT_FOLDER = /(?:^|\/)(?:\.git|git~[0-9]+)[. ]*(?:\/|$)/i;

/**
 * Checks submodules out, and those in them. `git submodule` is not asked: it does what `.gitmodules` and the configuration say. Here that
 * file only names repositories on the same GitHub, and each is a fresh git directory that nothing is configured in.
 */
export async function checkOutSubmodules(
  top: {
    folder: string;
    /** Of the whole checkout, with the commit's objects. */
    gitDir: string;
    commit: string;
    links: readonly Gitlink[];
    cloneUrl: string;
    toCloneUrl: (repository: SubmoduleRepository) => string;
    /** For our own views of them. */
    privateFolder: string;
  },
  deps: {
    git: Git;
    hold: HoldSubmodule;
    identity: Readonly<Record<string, string>>;
    signal: AbortSignal;
    log: Logger;
  },
): Promise<CheckedOut> {
  const { git, signal, log } = deps;
  const found: CheckedOut = { submodules: [], missing: [] };
  await checkOut(top, '', 1);
  return found;

  async function checkOut(
    parent: { gitDir: string; commit: string; links: readonly Gitlink[]; cloneUrl: string },
    prefix: string,
    depth: number,
  ): Promise<void> {
    if (parent.links.length === 0) return;
    const urls = await readUrls(parent.gitDir, parent.commit);
    for (const { path, commit } of parent.links) {
      const full = `${prefix}${path}`;
      const reason = await tryOne({
        path: full,
        commit,
        url: urls.get(path),
        cloneUrl: parent.cloneUrl,
        depth,
      });
      if (reason !== null) found.missing.push({ path: full, reason });
    }
  }

  /** `null`, or why it is not there. */
  async function tryOne(
    link: Gitlink & { url: string | undefined; cloneUrl: string; depth: number },
  ): Promise<string | null> {
    const { path, commit, url, cloneUrl, depth } = link;
    if (url === undefined) return '.gitmodules does not name it';
    if (depth > MAX_DEPTH || found.submodules.length >= MAX_SUBMODULES) return 'there are too many';
    if (NO_GIT_FOLDER.test(path) || path.includes('\uFFFD')) return 'its path is none';
    const address = toSubmoduleAddress(url, cloneUrl);
    if (!address.ok) return address.reason;
    try {
      const objectsFolder = await deps.hold(address.repository, commit);
      if (!(await makeFolder(path))) return 'its path leads elsewhere';
      const submodule = await place(path, commit, objectsFolder);
      found.submodules.push(submodule);
      const links = await listLinks(git, join(submodule.folder, '.git'), signal);
      const own = {
        gitDir: join(submodule.folder, '.git'),
        commit,
        links,
        cloneUrl: top.toCloneUrl(address.repository),
      };
      await checkOut(own, `${path}/`, depth + 1);
      return null;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof GitCommandError)) throw error;
      log.warn({ path, error: error.message }, 'A submodule could not be checked out');
      return 'the token of this job can’t read it, or it has no such commit';
    }
  }

  /** Git made an empty folder for it. False when something else is there, or above it. */
  async function makeFolder(path: string): Promise<boolean> {
    if (!(await isPlainPath(top.folder, path))) return false;
    const folder = join(top.folder, path);
    await mkdir(folder).catch(() => undefined);
    const facts = await lstat(folder).catch(() => null);
    return facts?.isDirectory() === true;
  }

  async function place(path: string, commit: string, objectsFolder: string): Promise<Submodule> {
    const folder = join(top.folder, path);
    const ownGitDir = join(folder, '.git');
    const privateGitDir = join(top.privateFolder, `${found.submodules.length}.git`);
    await rm(ownGitDir, { recursive: true, force: true });
    const options = { bare: false, branch: 'main', anyCommit: commit, borrowFrom: objectsFolder };
    await createGitDir(ownGitDir, options);
    await createGitDir(privateGitDir, options);
    const variables = deps.identity;
    await git.run(['reset', '--hard', commit], { gitDir: ownGitDir, workTree: folder, signal, variables });
    const index = await createWorkIndex({
      git,
      gitDir: privateGitDir,
      folder,
      base: commit,
      freshIndex: join(ownGitDir, 'index'),
      signal,
      log,
    });
    const tree = (await git.run(['rev-parse', `${commit}^{tree}`], { gitDir: privateGitDir, signal })).trim();
    return { path, folder, index, tree, objectsFolder };
  }

  async function readUrls(gitDir: string, commit: string): Promise<Map<string, string>> {
    // As text of the commit: git follows no `include` in it.
    const args = ['config', '-z', '--no-includes', `--blob=${commit}:.gitmodules`, '--get-regexp'];
    try {
      return parseSubmodules(await git.run([...args, '^submodule\\..*\\.(path|url)$'], { gitDir, signal }));
    } catch (error) {
      // There is no such file, or git can't read it.
      if (error instanceof GitCommandError) return new Map();
      throw error;
    }
  }
}

/** The links in the index of a fresh checkout. */
export async function listLinks(git: Git, gitDir: string, signal: AbortSignal): Promise<Gitlink[]> {
  const listed = await git.run(['ls-files', '--stage', '-z'], { gitDir, signal });
  return toLinks(parseStage(listed));
}

export type IndexEntry = { path: string; mode: string; objectId: string };

export function parseStage(output: string): IndexEntry[] {
  return output.split('\0').flatMap((line) => {
    const [, mode, objectId, path] = /^(\d{6}) ([0-9a-f]+) 0\t(.*)$/s.exec(line) ?? [];
    return mode === undefined || objectId === undefined || path === undefined
      ? []
      : [{ path, mode, objectId }];
  });
}

export function toLinks(entries: readonly IndexEntry[]): Gitlink[] {
  return entries.flatMap(({ path, mode, objectId }) =>
    mode === '160000' ? [{ path, commit: objectId }] : [],
  );
}

/**
 * Makes submodules what the commit says, apart from what set-up made in them: no work in them is published, so no test may pass by it.
 * Returns the paths of those that had been changed. Throws when one is no folder any more.
 */
export async function resetSubmodules(submodules: readonly Submodule[], root: string): Promise<string[]> {
  const changed: string[] = [];
  for (const { path, folder, index, tree } of submodules) {
    // Its folder may have been taken away, or led elsewhere.
    if (!(await isPlainPath(root, path))) throw new Error(`The submodule ${path} is no folder any more`);
    await mkdir(folder).catch(() => undefined);
    if ((await index.writeTree()) === tree) continue;
    await index.restore(tree);
    changed.push(path);
  }
  return changed;
}
