import { isKind } from './find-or-create.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { Logger } from '../lib/logger.ts';
import { type GitHubCall, toPath } from './github-call.ts';
import type { GitHub } from './github.ts';
import { createTokenOctokit } from './probot-octokit.ts';

/** REST tells of mentions only, page by page from the first one on, and not of pull requests that people have linked by hand. */
const CLOSING = `query ($owner: String!, $repo: String!, $number: Int!) {
  repository(owner: $owner, name: $repo) {
    issue(number: $number) {
      closedByPullRequestsReferences(first: 20, includeClosedPrs: false) {
        nodes { number url state author { login } }
      }
    }
  }
}`;

/** What we ask for; GitHub may answer `null` for whatever it does not show us. */
type Closing = {
  repository: {
    issue: {
      closedByPullRequestsReferences: {
        nodes:
          ({ number: number; url: string; state: string; author: { login: string } | null } | null)[] | null;
      } | null;
    } | null;
  } | null;
};

export function createClosingReader({
  call,
  apiUrl: baseUrl,
  log,
}: {
  call: GitHubCall;
  apiUrl: string;
  log: Logger;
}): Pick<GitHub, 'readClosingPullRequests'> {
  return {
    async readClosingPullRequests(target, issueNumber) {
      const answer = await nullWhenNotTold(
        call(target.installationId, async (octokit) => {
          const { token } = (await octokit.auth({ type: 'installation' })) as { token: string };
          // A question that is no GET is a write to the limiter, which would space and count it.
          const unspaced = createTokenOctokit({ baseUrl, token, log });
          return unspaced.graphql<Closing>(CLOSING, { ...toPath(target), number: issueNumber });
        }),
      );
      const nodes = answer?.repository?.issue?.closedByPullRequestsReferences?.nodes ?? [];
      return nodes.flatMap((pull) =>
        pull?.state === 'OPEN' && isOf(target, pull.url)
          ? [{ number: pull.number, url: pull.url, author: pull.author?.login ?? null }]
          : [],
      );
    },
  };
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
