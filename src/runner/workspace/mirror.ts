import { readdir, rename, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { createGitDir } from './create-git-dir.ts';
import type { Git, RemoteResult } from './git.ts';
import { GitCommandError } from './git-command-error.ts';
import type { Remote } from './git-environment.ts';
import { removeMirrorLeftovers } from './mirror-leftovers.ts';
import { MIRROR_NAME } from './mirror-name.ts';
import { removeTree } from './remove-tree.ts';
import { fetchContents, toPartialFetch, type WantedContents } from './partial-mirror.ts';
import { createTurns } from './turns.ts';

/** What an attempt needs from a mirror of its repository. */
export type MirrorRequest = {
  repositoryId: number;
  /** A mirror of its own beside the ordinary one, by this name: of a submodule, or without what is not needed. */
  variant?: string;
  /** In a mirror that has only commits and trees at first: which contents have to be there, too. */
  contents?: WantedContents;
  attemptId: string;
  /** Full commit ids; the first tells the repository's hash function. */
  commits: readonly [string, ...string[]];
  /** Asked only when something has to be fetched. */
  remote: () => Promise<Remote>;
  signal: AbortSignal;
};

/** A bare copy of each repository on this machine, whose objects all workspaces of the repository borrow. */
export type Mirrors = {
  /**
   * Sees to it that the commits are there and stay (`refs/keep/<attempt>`, `….2`), fetching only if they aren't. Returns the mirror's
   * `objects` folder. Throws `GitCommandError` when the remote can't be reached or doesn't have one of them.
   */
  hold(request: MirrorRequest): Promise<string>;
  /** The attempt's commit may go. Safe to repeat. */
  release(repositoryId: number, attemptId: string): Promise<void>;
  /** Removes mirrors that no attempt holds, the longest unused one first, until there is enough room. They are fetched anew when needed. */
  evict(isEnough: () => Promise<boolean>): Promise<void>;
  /** Removes the mirror in this folder. False, and it stays, when an attempt holds it. */
  discard(mirror: string): Promise<boolean>;
  /** The folders of mirrors, each with the attempts that hold it. */
  holders(): ReadonlyMap<string, ReadonlySet<string>>;
  /** At start-up, before anything else: removes what killed commands left, and the holds of attempts not in `keep`. */
  sweep(keep: ReadonlySet<string>): Promise<void>;
};

/** Waits between tries of a fetch: a fresh token may be refused for some seconds. */
const RETRY_WAITS_MS = [1000, 3000];
/** Nothing but a fetch, which has its turn, holds a lock this long. */
const STALE_LOCK_MS = 60_000;
const KEEP = 'refs/keep/';
/** More commits than an attempt ever holds of one mirror. */
const MAX_HELD = 5;
/** Ends the name of a mirror whose removal has begun. */
const DISCARDED = '.gone';

export function createMirrors(deps: { folder: string; git: Git; clock: Clock; log: Logger }): Mirrors {
  const { git, clock, log } = deps;
  // Fetches at the same time into one mirror fail on each other's locks.
  const inTurn = createTurns();
  const folderOf = ({ repositoryId, variant }: MirrorRequest): string =>
    join(deps.folder, `${repositoryId}${variant === undefined ? '' : `.${variant}`}.git`);
  /** Mirror → the attempts that hold it. */
  const holders = new Map<string, Set<string>>();
  /** Mirrors that are being evicted. */
  const leaving = new Set<string>();

  async function hold(request: MirrorRequest): Promise<string> {
    const mirror = folderOf(request);
    // Before anything is waited for: from here on it can't be evicted.
    holders.set(mirror, (holders.get(mirror) ?? new Set()).add(request.attemptId));
    if (leaving.has(mirror) || !(await isKnown(mirror, request))) {
      await inTurn(mirror, () => update(mirror, request), request.signal);
    }
    const { contents } = request;
    if (contents !== undefined)
      await inTurn(
        mirror,
        () => fetchContents(mirror, { ...request, contents }, { git, clock }),
        request.signal,
      );
    await noteUse(mirror);
    return join(mirror, 'objects');
  }

  /** Git never touches this file again, so its time tells when the mirror was last of use, also after a restart. */
  async function noteUse(mirror: string): Promise<void> {
    const now = clock.nowMs() / 1000;
    await utimes(join(mirror, 'HEAD'), now, now);
  }

  /** Whether the commit is there; if so, it is held from now on: one step, so that gc can't come between. */
  async function isKnown(mirror: string, { attemptId, commits, signal }: MirrorRequest): Promise<boolean> {
    if (!(await exists(join(mirror, 'HEAD')))) return false;
    // `start` and `commit` are answered: simple-git waits 50 ms longer for a command that prints nothing.
    const updates = commits.map((commit, at) => `update ${toKeepRef(attemptId, at)} ${commit}\n`).join('');
    const input = `start\n${updates}commit\n`;
    try {
      await git.run(['update-ref', '--stdin'], { gitDir: mirror, input, signal });
      return true;
    } catch (error) {
      if (error instanceof GitCommandError) return false;
      throw error;
    }
  }

  async function update(mirror: string, request: MirrorRequest): Promise<void> {
    const { commits, signal } = request;
    if (!(await exists(join(mirror, 'HEAD')))) {
      const isPartial = request.contents !== undefined;
      await createGitDir(mirror, { bare: true, branch: 'main', anyCommit: commits[0], isPartial });
    }
    // Whoever had the turn before may have fetched it.
    if (await isKnown(mirror, request)) return;

    for (let tries = 0; ; tries += 1) {
      await removeMirrorLeftovers(mirror, clock.nowMs() - STALE_LOCK_MS);
      const failure = await fetch(mirror, request);
      // Also after a failure: one branch that can't be stored is no reason to stop.
      if (await isKnown(mirror, request)) return;
      const waitMs = RETRY_WAITS_MS[tries];
      if (waitMs === undefined) throw failure;
      log.warn(
        { repositoryId: request.repositoryId, error: failure.message },
        'A fetch failed; trying again',
      );
      await clock.sleep(waitMs, signal);
    }
  }

  /** Heads only: pull requests' refs make a fetch many times slower. Returns what to say if the commit is still missing. */
  async function fetch(mirror: string, request: MirrorRequest): Promise<GitCommandError> {
    const startedMs = clock.monotonicMs();
    const all = await fetchRefs(mirror, request, ['+refs/heads/*:refs/heads/*'], ['--prune']);
    log.debug(
      { repositoryId: request.repositoryId, exitCode: all.exitCode, ms: clock.monotonicMs() - startedMs },
      'Fetched a mirror',
    );
    const isEnough = all.exitCode !== 0 || (await isKnown(mirror, request));
    // When no branch has it any more, it was forced away since the job began.
    const wanted = request.commits.map((commit, at) => `+${commit}:${toKeepRef(request.attemptId, at)}`);
    const { exitCode, output } = isEnough ? all : await fetchRefs(mirror, request, wanted, []);
    return new GitCommandError({ args: ['fetch'], exitCode, output });
  }

  async function fetchRefs(
    mirror: string,
    request: MirrorRequest,
    refs: readonly string[],
    options: string[],
  ): Promise<RemoteResult> {
    const remote = await request.remote();
    const plain = [...options, '--no-tags', '--no-write-fetch-head', '--quiet'];
    const args =
      request.contents === undefined
        ? ['fetch', ...plain, remote.url, ...refs]
        : toPartialFetch(remote, plain, refs);
    return await git.runRemote(args, remote, { gitDir: mirror, signal: request.signal });
  }

  async function release(repositoryId: number, attemptId: string): Promise<void> {
    const held = [...holders].filter(
      ([mirror, attempts]) => basename(mirror).startsWith(`${repositoryId}.`) && attempts.has(attemptId),
    );
    for (const [mirror, attempts] of held) {
      try {
        await letGo(mirror, repositoryId, attemptId);
      } finally {
        attempts.delete(attemptId);
        if (attempts.size === 0) holders.delete(mirror);
      }
    }
  }

  async function letGo(mirror: string, repositoryId: number, attemptId: string): Promise<void> {
    if (!(await exists(join(mirror, 'HEAD')))) return;
    try {
      // One that is not there is no failure.
      const deletes = Array.from(
        { length: MAX_HELD },
        (_, at) => `delete ${toKeepRef(attemptId, at)}\n`,
      ).join('');
      const input = `start\n${deletes}commit\n`;
      await git.run(['update-ref', '--stdin'], { gitDir: mirror, input });
    } catch (error) {
      if (!(error instanceof GitCommandError)) throw error;
      // It only takes room, until the next sweep.
      log.warn({ repositoryId, attemptId, error: error.message }, 'A hold on a mirror could not be released');
    }
  }

  async function evict(isEnough: () => Promise<boolean>): Promise<void> {
    await inTurn(deps.folder, async () => {
      for (const mirror of await listByLastUse()) {
        if (await isEnough()) return;
        if (!(await discardUnheld(mirror))) continue;
        log.warn({ mirror }, 'Removed a mirror that nobody uses, since the disk is nearly full');
      }
    });
  }

  /** Call it in the turn of the whole folder. */
  async function discardUnheld(mirror: string): Promise<boolean> {
    if (holders.has(mirror)) return false;
    leaving.add(mirror);
    try {
      await inTurn(mirror, () => discard(mirror));
    } finally {
      leaving.delete(mirror);
    }
    return true;
  }

  /** The longest unused one first. */
  async function listByLastUse(): Promise<string[]> {
    const names = (await listFolder(deps.folder)).filter((name) => MIRROR_NAME.test(name));
    const used = await Promise.all(
      names.map(async (name) => {
        const mirror = join(deps.folder, name);
        // One without a HEAD was never finished, so it goes first.
        const usedMs = (await exists(join(mirror, 'HEAD')))
          ? (await stat(join(mirror, 'HEAD'))).mtimeMs
          : Number.NEGATIVE_INFINITY;
        return { mirror, usedMs };
      }),
    );
    return used.toSorted((a, b) => a.usedMs - b.usedMs).map(({ mirror }) => mirror);
  }

  /** Away from its place first: half a mirror must never be taken for one. */
  async function discard(mirror: string): Promise<void> {
    const gone = `${mirror}${DISCARDED}`;
    await removeTree(gone);
    await rename(mirror, gone);
    await removeTree(gone);
  }

  async function sweep(keep: ReadonlySet<string>): Promise<void> {
    for (const name of await listFolder(deps.folder)) {
      if (name.endsWith(DISCARDED)) await removeTree(join(deps.folder, name));
      if (!MIRROR_NAME.test(name)) continue;
      const mirror = join(deps.folder, name);
      try {
        await inTurn(mirror, () => sweepMirror(mirror, keep));
      } catch (error) {
        // A damaged mirror must not keep the runner from starting: its own jobs will tell.
        if (!(error instanceof GitCommandError)) throw error;
        log.warn({ mirror, error: error.message }, 'A mirror could not be swept');
      }
    }
  }

  async function sweepMirror(mirror: string, keep: ReadonlySet<string>): Promise<void> {
    const removed = await removeMirrorLeftovers(mirror, Number.POSITIVE_INFINITY);
    const refs = await git.run(['for-each-ref', '--format=%(refname)', 'refs/keep'], { gitDir: mirror });
    const stale = refs.split('\n').filter((ref) => ref !== '' && !keep.has(toAttemptId(ref)));
    if (stale.length > 0) {
      const input = stale.map((ref) => `delete ${ref}\n`).join('');
      await git.run(['update-ref', '--stdin'], { gitDir: mirror, input });
    }
    if (removed + stale.length > 0) log.info({ mirror, removed, released: stale.length }, 'Swept a mirror');
  }

  return {
    hold,
    release,
    evict,
    discard: (mirror) => inTurn(deps.folder, () => discardUnheld(mirror)),
    holders: () => holders,
    sweep,
  };
}

/** By which a commit of an attempt is kept from being collected. */
function toKeepRef(attemptId: string, at: number): string {
  return `${KEEP}${attemptId}${at === 0 ? '' : `.${at + 1}`}`;
}

function toAttemptId(ref: string): string {
  return ref.slice(KEEP.length).replace(/\.\d+$/, '');
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
