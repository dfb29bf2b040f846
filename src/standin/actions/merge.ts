import type { Doer } from '../access/actor.ts';
import type { Objects, Signature } from '../git/objects.ts';
import type { Refs } from '../git/refs.ts';
import type { Writer } from '../git/writer.ts';
import { ApiError } from '../http/api-error.ts';
import type { Pull } from '../shapes/pull-shapes.ts';
import { isoTime } from '../shapes/links.ts';
import type { Repository } from '../world.ts';
import { signatureOf } from './signature-of.ts';
import type { PullActions } from './pulls.ts';
import type { RefChanges } from './ref-changes.ts';
import type { Rules } from './rules.ts';

export type MergeMethod = 'merge' | 'squash' | 'rebase';

/** Merges pull requests, in the three ways of GitHub's button. */
export function createMerge(deps: {
  clock: { nowMs(): number };
  objects: Objects;
  refs: Refs;
  writer: Writer;
  pulls: PullActions;
  refChanges: RefChanges;
  rules: Rules;
}) {
  const { clock, objects, refs, writer, pulls, refChanges, rules } = deps;

  /**
   * Merges, and gives the commit on the base branch. Throws 405 when it cannot be, 409 when the head moved.
   */
  return async function merge(
    repository: Repository,
    pull: Pull,
    by: Doer,
    wanted: {
      method: MergeMethod;
      sha: string | undefined;
      title: string | undefined;
      message: string | undefined;
    },
  ): Promise<string> {
    const baseSha = await refs.branch(repository.folder, pull.pull.base);
    if (pull.state !== 'open' || pull.pull.draft || baseSha === null || needsMore(repository, pull)) {
      throw new ApiError(405, 'Pull Request is not mergeable');
    }
    if (wanted.sha !== undefined && wanted.sha !== pull.pull.headSha) {
      throw new ApiError(409, 'Head branch was modified. Review and try the merge again.');
    }
    const after = await mergedCommit(repository, pull, by, { ...wanted, baseSha });
    const ref = `refs/heads/${pull.pull.base}`;
    const moved = await refChanges.move(repository, by, { ref, before: baseSha, after });
    if (!moved) throw new ApiError(409, 'Base branch was modified. Review and try the merge again.');
    // A merge commit contains the head, so that moving the base has marked it already.
    if (pull.pull.mergedAtMs === null) await pulls.markMerged(repository, pull, by, after);
    return after;
  };

  /** A required review or status is taken as missing: nobody here can tell that it was given. */
  function needsMore(repository: Repository, pull: Pull): boolean {
    return rules
      .ofBranch(repository, pull.pull.base)
      .some((rule) => rule.type === 'update' || rule.type === 'required_status_checks');
  }

  async function mergedCommit(
    repository: Repository,
    pull: Pull,
    by: Doer,
    wanted: { method: MergeMethod; title: string | undefined; message: string | undefined; baseSha: string },
  ): Promise<string> {
    const { folder } = repository;
    const { baseSha } = wanted;
    const tree = await writer.mergeTree(folder, baseSha, pull.pull.headSha);
    if (tree === null) throw new ApiError(405, 'Pull Request is not mergeable');
    const author = signatureOf(by.account, isoTime(clock.nowMs()));
    const committer: Signature = { name: 'GitHub', email: 'noreply@github.com', date: author.date };
    if (wanted.method === 'rebase') return rebased(repository, pull, baseSha, committer);

    const isSquash = wanted.method === 'squash';
    const title =
      wanted.title ??
      (isSquash
        ? `${pull.title} (#${pull.number})`
        : `Merge pull request #${pull.number} from ${repository.owner.login}/${pull.pull.head}`);
    const message = wanted.message ?? (isSquash ? '' : pull.title);
    return writer.commit(folder, {
      tree,
      parents: isSquash ? [baseSha] : [baseSha, pull.pull.headSha],
      author,
      committer,
      message: message === '' ? title : `${title}\n\n${message}`,
    });
  }

  /** Only where no commit has to be merged anew: the base has not moved since the branch was made. */
  async function rebased(
    repository: Repository,
    pull: Pull,
    baseSha: string,
    committer: Signature,
  ): Promise<string> {
    const { folder } = repository;
    if (!(await objects.isAncestor(folder, baseSha, pull.pull.headSha))) {
      throw new ApiError(405, "This branch can't be rebased");
    }
    const commits = await objects.log(folder, [pull.pull.headSha, `^${baseSha}`], ['--reverse']);
    let tip = baseSha;
    for (const { tree, author, message } of commits) {
      tip = await writer.commit(folder, { tree, parents: [tip], author, committer, message });
    }
    return tip;
  }
}

export type Merge = ReturnType<typeof createMerge>;
