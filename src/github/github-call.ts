import type { RepositoryTarget } from '../domain/trigger.ts';
import type { Clock } from '../lib/clock.ts';
import type { Octokit } from './probot-octokit.ts';
import { toGitHubError } from './to-github-error.ts';

/** Makes requests as an installation; what they throw comes out as `GitHubError`. */
export type GitHubCall = <Result>(
  installationId: number,
  request: (octokit: Octokit) => Promise<Result>,
) => Promise<Result>;

export function createGitHubCall(deps: {
  octokitFor: (installationId: number) => Promise<Octokit>;
  clock: Pick<Clock, 'nowMs'>;
}): GitHubCall {
  return (installationId, request) =>
    withGitHubErrors(deps.clock, async () => request(await deps.octokitFor(installationId)));
}

/** Runs `request`; what it throws comes out as `GitHubError`. */
export async function withGitHubErrors<Result>(
  clock: Pick<Clock, 'nowMs'>,
  request: () => Promise<Result>,
): Promise<Result> {
  try {
    return await request();
  } catch (thrown) {
    throw toGitHubError(thrown, clock.nowMs());
  }
}

/** The repository as the paths of requests name it. */
export function toPath({ repository }: RepositoryTarget): { owner: string; repo: string } {
  return { owner: repository.owner, repo: repository.name };
}

/** For requests that must not be sent twice by themselves, since nobody knows whether the first was carried out. */
export const ONCE = { request: { retries: 0 } };
