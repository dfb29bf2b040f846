import type { RepositoryTarget } from '../domain/trigger.ts';
import { findOrCreate, isKind, nullWhenGone } from './find-or-create.ts';
import { type GitHubCall, ONCE, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

/** What GitHub takes at the most. */
const MAX_BODY_CHARACTERS = 65_536;
const PAGE_SIZE = 100;
/** In an issue with more comments than this, ours is looked for among the newest. */
const MAX_PAGES = 10;

type Comment = { id: number; url: string };

/**
 * The one status comment of an issue. Ours is recognised by its author and by the marker at its very start: others may quote the
 * marker, but not write in the bot's name.
 */
export function createStatusComments(deps: {
  call: GitHubCall;
  identity: GitHub['identity'];
}): Pick<GitHub, 'publishStatusComment'> {
  const { call, identity } = deps;

  return {
    async publishStatusComment(target, issueNumber, { commentId, mayRecreate, marker, body }) {
      const text = body.slice(0, MAX_BODY_CHARACTERS);
      try {
        const edited = commentId === null ? null : await nullWhenGone(edit(target, commentId, text));
        if (edited !== null) return edited;
        if (commentId !== null && !mayRecreate) return null;
        return await write(target, issueNumber, marker, text);
      } catch (error) {
        if (isKind(error, 'gone')) return null;
        if (isKind(error, 'forbidden') && (await isLocked(target, issueNumber))) return null;
        throw error;
      }
    },
  };

  /** A comment that was there before is brought up to date. */
  async function write(
    target: RepositoryTarget,
    issueNumber: number,
    marker: string,
    text: string,
  ): Promise<Comment> {
    let isFresh = false;
    const comment = await findOrCreate({
      mayExist: true,
      find: () => find(target, issueNumber, marker),
      create: async () => {
        const created = await create(target, issueNumber, text);
        isFresh = true;
        return created;
      },
    });
    return isFresh ? comment : edit(target, comment.id, text);
  }

  async function edit(target: RepositoryTarget, commentId: number, text: string): Promise<Comment> {
    const { data } = await call(target.installationId, (octokit) =>
      octokit.rest.issues.updateComment({ ...toPath(target), comment_id: commentId, body: text }),
    );
    return { id: data.id, url: data.html_url };
  }

  async function create(target: RepositoryTarget, issueNumber: number, text: string): Promise<Comment> {
    const { data } = await call(target.installationId, (octokit) =>
      octokit.rest.issues.createComment({
        ...toPath(target),
        ...ONCE,
        issue_number: issueNumber,
        body: text,
      }),
    );
    return { id: data.id, url: data.html_url };
  }

  async function find(
    target: RepositoryTarget,
    issueNumber: number,
    marker: string,
  ): Promise<Comment | null> {
    const { bot } = await identity();
    const first = await readPage(target, issueNumber, 1);
    const pages = [1, ...lastPages(first.lastPage)];
    for (const page of pages) {
      const { comments } = page === 1 ? first : await readPage(target, issueNumber, page);
      const found = comments.find(
        ({ user, body }) => user?.login === bot.login && body?.startsWith(marker) === true,
      );
      if (found !== undefined) return { id: found.id, url: found.html_url };
    }
    return null;
  }

  async function readPage(target: RepositoryTarget, issueNumber: number, page: number) {
    const { data, headers } = await call(target.installationId, (octokit) =>
      octokit.rest.issues.listComments({
        ...toPath(target),
        issue_number: issueNumber,
        per_page: PAGE_SIZE,
        page,
      }),
    );
    return { comments: data, lastPage: readLastPage(headers.link) };
  }

  async function isLocked(target: RepositoryTarget, issueNumber: number): Promise<boolean> {
    const { data } = await call(target.installationId, (octokit) =>
      octokit.rest.issues.get({ ...toPath(target), issue_number: issueNumber }),
    );
    return data.locked;
  }
}

/** From a `Link` header; 1 when there is only one page. */
function readLastPage(link: string | undefined): number {
  const last = /<[^>]*[?&]page=(\d+)[^>]*>; rel="last"/.exec(link ?? '')?.[1];
  return last === undefined ? 1 : Number(last);
}

/** Newest first: GitHub lists an issue's comments by age, and ours is rarely among the oldest. */
function lastPages(lastPage: number): number[] {
  const count = Math.min(lastPage - 1, MAX_PAGES - 1);
  return Array.from({ length: count }, (_, index) => lastPage - index);
}
