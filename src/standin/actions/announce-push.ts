import type { Doer } from '../access/actor.ts';
import { emptyTreeSha, zeroSha, type Commit, type Objects } from '../git/objects.ts';
import type { Shapes } from '../shapes/shapes.ts';
import type { Events } from '../webhooks/events.ts';
import type { Repository } from '../world.ts';
import type { RefChange } from './ref-change.ts';

const mostCommits = 20;

/** Sends `push` for a branch or tag that moved. */
export function createPushAnnouncer(deps: { objects: Objects; shapes: Shapes; events: Events }) {
  const { objects, shapes, events } = deps;

  return async function announcePush(repository: Repository, change: RefChange, by: Doer): Promise<void> {
    const { ref, before, after } = change;
    if (!/^refs\/(?:heads|tags)\//.test(ref)) return;
    const { folder } = repository;
    const created = before === zeroSha;
    const deleted = after === zeroSha;
    const commits = deleted ? [] : await pushedCommits(repository, change);
    const head = deleted ? null : await objects.resolve(folder, after);
    const headCommit = head === null ? undefined : await objects.commit(folder, head);
    const compare = `${shapes.repositories.webUrl(repository)}/compare/`;
    events.inRepository(repository, 'push', undefined, by.account, {
      ref,
      before,
      after,
      created,
      deleted,
      forced: !created && !deleted && !(await objects.isAncestor(folder, before, after)),
      base_ref: null,
      compare: `${compare}${created ? after.slice(0, 12) : `${before.slice(0, 12)}...${after.slice(0, 12)}`}`,
      commits: await Promise.all(commits.map((commit) => pushedCommit(repository, commit))),
      head_commit: headCommit ? await pushedCommit(repository, headCommit) : null,
      pusher: {
        name: by.account.login,
        email: `${by.account.id}+${by.account.login}@users.noreply.github.com`,
      },
    });
  };

  /** Commits that the ref brought, oldest first; of a new branch those the default branch has not. */
  async function pushedCommits(repository: Repository, change: RefChange): Promise<Commit[]> {
    const { folder, defaultBranch } = repository;
    const known =
      change.before === zeroSha
        ? await objects.resolve(folder, `refs/heads/${defaultBranch}`)
        : change.before;
    const range = known === null || known === change.after ? [change.after] : [change.after, `^${known}`];
    if (change.before === zeroSha && known === change.after) return [];
    return (await objects.log(folder, range, [`--max-count=${mostCommits}`])).reverse();
  }

  async function pushedCommit(repository: Repository, commit: Commit) {
    const files = await objects.changes(repository.folder, commit.parents[0] ?? emptyTreeSha, commit.sha);
    const paths = (...statuses: string[]) =>
      files.filter((file) => statuses.includes(file.status)).map((file) => file.path);
    const simple = shapes.commits.simpleCommit(commit);
    return {
      ...simple,
      distinct: true,
      url: `${shapes.repositories.webUrl(repository)}/commit/${commit.sha}`,
      author: withUsername(simple.author, shapes.commits.accountOf(commit.author)?.login),
      committer: withUsername(simple.committer, shapes.commits.accountOf(commit.committer)?.login),
      added: paths('added'),
      removed: [...paths('removed'), ...files.flatMap((file) => file.previousPath ?? [])],
      modified: paths('modified', 'changed', 'renamed'),
    };
  }
}

export type AnnouncePush = ReturnType<typeof createPushAnnouncer>;

function withUsername(person: { name: string; email: string }, username: string | undefined) {
  return { ...person, ...(username === undefined ? {} : { username }) };
}
