import type { RepositoryTarget } from '../domain/trigger.ts';
import { findOrCreate, isKind, nullWhenGone } from './find-or-create.ts';
import { type GitHubCall, ONCE, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';

/** What GitHub takes at the most. */
const MAX_TITLE_CHARACTERS = 256;
const MAX_BODY_CHARACTERS = 65_536;
/** GitHub lists files by their paths, and a dot comes before letters: ours is on the first page, unless a great many hidden ones change. */
const MAX_FILES_PAGES = 3;
const FILES_PER_PAGE = 100;

type Wanted = Parameters<GitHub['ensurePullRequest']>[1];
type PullRequest = Awaited<ReturnType<GitHub['ensurePullRequest']>>;

/** GitHub itself allows one open pull request for a branch: a second creation tells of the first. Of one that was closed it tells nothing. */
export function createPullRequests({
  call,
  identity,
}: {
  call: GitHubCall;
  identity: GitHub['identity'];
}): Pick<GitHub, 'ensurePullRequest' | 'readPullRequest' | 'changePullRequestBody' | 'changesFile'> {
  return {
    ensurePullRequest: (target, wanted) =>
      findOrCreate({
        mayExist: wanted.mayExist,
        find: () => find(target, wanted),
        create: () => createAsMayBe(target, wanted),
      }),
    async readPullRequest(target, number) {
      const answer = await nullWhenGone(
        call(target.installationId, (octokit) =>
          octokit.rest.pulls.get({ ...toPath(target), pull_number: number }),
        ),
      );
      if (answer === null) return null;
      const { merged, state, html_url: url, head, merged_by: mergedBy, closed_at: closedAt } = answer.data;
      const { body, base, locked, mergeable } = answer.data;
      return {
        state: merged ? 'merged' : state,
        url,
        body: body ?? '',
        headCommit: head.sha,
        base: base.ref,
        locked,
        mergeable,
        mergedBy: mergedBy?.login ?? null,
        closedAt,
      };
    },
    async changePullRequestBody(target, number, body) {
      const text = body.slice(0, MAX_BODY_CHARACTERS);
      await call(target.installationId, (octokit) =>
        octokit.rest.pulls.update({ ...toPath(target), pull_number: number, body: text }),
      );
    },
    async changesFile(target, pullRequestNumber, path) {
      for (let page = 1; page <= MAX_FILES_PAGES; page += 1) {
        const answer = await nullWhenGone(
          call(target.installationId, (octokit) =>
            octokit.rest.pulls.listFiles({
              ...toPath(target),
              pull_number: pullRequestNumber,
              per_page: FILES_PER_PAGE,
              page,
            }),
          ),
        );
        const files = answer?.data ?? [];
        if (files.some((file) => file.filename === path || file.previous_filename === path)) return true;
        if (files.length < FILES_PER_PAGE) return false;
      }
      return false;
    },
  };

  /** Drafts are refused to private repositories on free plans; GitHub doesn't say in a readable way that it is for this. */
  async function createAsMayBe(target: RepositoryTarget, wanted: Wanted): Promise<PullRequest> {
    try {
      return await create(target, wanted);
    } catch (error) {
      if (!wanted.draft || !isKind(error, 'invalid')) throw error;
      return create(target, { ...wanted, draft: false });
    }
  }

  async function create(target: RepositoryTarget, wanted: Wanted): Promise<PullRequest> {
    const { head, base, draft } = wanted;
    const title = wanted.title.slice(0, MAX_TITLE_CHARACTERS);
    const body = wanted.body.slice(0, MAX_BODY_CHARACTERS);
    const { data } = await call(target.installationId, (octokit) =>
      octokit.rest.pulls.create({ ...toPath(target), ...ONCE, head, base, title, body, draft }),
    );
    return toPullRequest(data);
  }

  /** Branches are taken again for later jobs: a closed pull request is this one's only if it ends at the commit that was pushed for it. */
  async function find(
    target: RepositoryTarget,
    { head: branch, headCommit }: Wanted,
  ): Promise<PullRequest | null> {
    const { owner } = target.repository;
    const { data } = await call(target.installationId, (octokit) =>
      octokit.rest.pulls.list({ ...toPath(target), state: 'all', head: `${owner}:${branch}`, per_page: 100 }),
    );
    const ofBranch = data.filter(({ head }) => head.ref === branch);
    const open = ofBranch.find(({ state }) => state === 'open');
    if (open !== undefined) return toPullRequest(open);
    const atCommit = ofBranch.filter(({ head }) => head.sha === headCommit);
    if (atCommit.length === 0) return null;
    const { bot } = await identity();
    const ours = atCommit.find(({ user }) => user?.login === bot.login);
    return ours === undefined ? null : toPullRequest(ours);
  }
}

function toPullRequest(data: {
  number: number;
  html_url: string;
  head: { sha: string };
  state: string;
}): PullRequest {
  return {
    number: data.number,
    url: data.html_url,
    headCommit: data.head.sha,
    isOpen: data.state === 'open',
  };
}
