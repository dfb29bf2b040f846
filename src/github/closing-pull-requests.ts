import { isKind } from './find-or-create.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import type { ClosingPullRequest, GitHub } from './github.ts';

/** REST tells of mentions only, page by page from the first one on, and not of pull requests that people have linked by hand. */
const CLOSING = `query ($owner: String!, $repo: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $repo) {
    issue(number: $number) {
      closedByPullRequestsReferences(first: 20, after: $after, includeClosedPrs: false) {
        nodes { number url state author { login } authorAssociation }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}`;

/** Anybody may open as many as they like: some more than a page, so that a few of them hide none, and an end to it. */
const MAX_PAGES = 5;

/** What we ask for; GitHub may answer `null` for whatever it does not show us. */
type Closing = {
  repository: {
    issue: {
      closedByPullRequestsReferences: Page | null;
    } | null;
  } | null;
};

type Page = {
  nodes:
    | ({
        number: number;
        url: string;
        state: string;
        author: { login: string } | null;
        authorAssociation: string;
      } | null)[]
    | null;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
};

export function createClosingReader({ call }: { call: GitHubCall }): Pick<GitHub, 'readClosingPullRequests'> {
  return {
    async readClosingPullRequests(target, issueNumber) {
      const found: ClosingPullRequest[] = [];
      let after: string | null = null;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const read = await readPage(target, issueNumber, after);
        found.push(...toOpen(target, read?.nodes ?? []));
        after = read?.pageInfo.hasNextPage === true ? read.pageInfo.endCursor : null;
        if (after === null) break;
      }
      return found;
    },
  };

  async function readPage(
    target: RepositoryTarget,
    issueNumber: number,
    after: string | null,
  ): Promise<Page | null> {
    const answer = await nullWhenNotTold(
      call(target.installationId, (octokit) =>
        octokit.graphql<Closing>(CLOSING, { ...toPath(target), number: issueNumber, after }),
      ),
    );
    return answer?.repository?.issue?.closedByPullRequestsReferences ?? null;
  }
}

function toOpen(target: RepositoryTarget, nodes: NonNullable<Page['nodes']>): ClosingPullRequest[] {
  return nodes.flatMap((pull) => {
    if (pull?.state !== 'OPEN' || !isOf(target, pull.url)) return [];
    const { number, url, author, authorAssociation: association } = pull;
    return [{ number, url, author: author?.login ?? null, association }];
  });
}

/** Those of other repositories have numbers of their own. */
function isOf({ repository }: RepositoryTarget, url: string): boolean {
  return url.toLowerCase().startsWith(`${repository.htmlUrl}/pull/`.toLowerCase());
}

/** Older servers don't know the question, and what the App may not see keeps no work from being done. */
async function nullWhenNotTold<Thing>(request: Promise<Thing>): Promise<Thing | null> {
  try {
    return await request;
  } catch (error) {
    if (isKind(error, 'invalid') || isKind(error, 'forbidden') || isKind(error, 'gone')) return null;
    throw error;
  }
}
