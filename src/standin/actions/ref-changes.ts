import type { Doer } from '../access/actor.ts';
import { zeroSha, type Objects } from '../git/objects.ts';
import type { Refs } from '../git/refs.ts';
import type { Writer } from '../git/writer.ts';
import type { Repository } from '../world.ts';
import type { CheckActions } from './checks.ts';
import type { IssueActions } from './issues.ts';
import { openPulls, type PullActions } from './pulls.ts';
import type { AnnouncePush } from './announce-push.ts';
import type { RefChange } from './ref-change.ts';

/**
 * What follows when branches and tags move, whoever moved them: `push`, a check suite, pull requests that
 * follow, close or count as merged. Moves of one repository happen one after the other.
 */
export function createRefChanges(deps: {
  clock: { nowMs(): number };
  objects: Objects;
  refs: Refs;
  writer: Writer;
  checks: CheckActions;
  issues: IssueActions;
  pulls: PullActions;
  announcePush: AnnouncePush;
}) {
  const { clock, objects, refs, writer, checks, issues, pulls, announcePush } = deps;
  const queues = new Map<number, Promise<unknown>>();

  /** Runs the work alone in this repository. */
  async function alone<T>(repository: Repository, work: () => Promise<T>): Promise<T> {
    const earlier = queues.get(repository.id) ?? Promise.resolve();
    const mine = earlier.then(work, work);
    queues.set(repository.id, mine);
    return mine;
  }

  /**
   * Runs work that may move any refs, such as a push, and deals with those that moved before it gives the
   * result.
   */
  function watch<T>(repository: Repository, by: Doer, work: () => Promise<T>): Promise<T> {
    return alone(repository, async () => {
      const before = await refs.snapshot(repository.folder);
      const result = await work();
      await followAll(repository, by, difference(before, await refs.snapshot(repository.folder)));
      return result;
    });
  }

  /** Moves one ref from where it should stand; false when it stands elsewhere. */
  function move(repository: Repository, by: Doer, change: RefChange): Promise<boolean> {
    return alone(repository, async () => {
      const { ref, before, after } = change;
      if (!(await writer.moveRef(repository.folder, ref, before, after))) return false;
      if (before !== after) await followAll(repository, by, [change]);
      return true;
    });
  }

  async function followAll(repository: Repository, by: Doer, changes: readonly RefChange[]): Promise<void> {
    if (changes.length === 0) return;
    repository.pushedAtMs = clock.nowMs();
    for (const change of changes) {
      await announcePush(repository, change, by);
      const branch = /^refs\/heads\/(.+)$/.exec(change.ref)?.[1];
      if (branch !== undefined) await followBranch(repository, by, branch, change);
    }
  }

  async function followBranch(
    repository: Repository,
    by: Doer,
    branch: string,
    change: RefChange,
  ): Promise<void> {
    const { before, after } = change;
    if (after !== zeroSha) await checks.requestSuite(repository, branch, before, after, by);
    for (const pull of openPulls(repository)) {
      if (pull.pull.head !== branch && pull.pull.base !== branch) continue;
      if (after === zeroSha) {
        await issues.close(repository, pull, by);
      } else if (pull.pull.head === branch) {
        await pulls.follow(repository, pull, by, after);
      } else if (await objects.isAncestor(repository.folder, pull.pull.headSha, after)) {
        await pulls.markMerged(repository, pull, by, after);
      } else {
        pull.pull.baseSha = after;
      }
    }
  }

  return { watch, move };
}

export type RefChanges = ReturnType<typeof createRefChanges>;

function difference(before: Map<string, string>, after: Map<string, string>): RefChange[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names]
    .map((ref) => ({ ref, before: before.get(ref) ?? zeroSha, after: after.get(ref) ?? zeroSha }))
    .filter((change) => change.before !== change.after);
}
