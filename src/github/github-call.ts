import type { RepositoryTarget } from '../domain/trigger.ts';
import type { Clock } from '../lib/clock.ts';
import type { Octokit } from './probot-octokit.ts';
import { GitHubError } from './github-error.ts';
import type { InstallationLimits } from './installation-limits.ts';
import { toGitHubError } from './to-github-error.ts';

/** Makes requests as an installation, none while GitHub limits it; what they throw comes out as `GitHubError`. */
export type GitHubCall = <Result>(
  installationId: number,
  request: (octokit: Octokit) => Promise<Result>,
) => Promise<Result>;

export function createGitHubCall(deps: {
  octokitFor: (installationId: number) => Promise<Octokit>;
  clock: Pick<Clock, 'nowMs'>;
  limits: InstallationLimits;
  /** Page of an installation; `null` when it can't be told. */
  installationUrl?: (installationId: number) => Promise<string | null>;
}): GitHubCall {
  return async (installationId, request) => {
    try {
      return await deps.limits.obey(installationId, 'installation', () =>
        withGitHubErrors(deps.clock, async () => request(await deps.octokitFor(installationId))),
      );
    } catch (error) {
      if (!(error instanceof GitHubError) || error.lacking === null) throw error;
      throw explainLacking(error, (await deps.installationUrl?.(installationId)) ?? null);
    }
  };
}

/** The same with what whoever owns the installation can do about it. */
function explainLacking(error: GitHubError, url: string | null): GitHubError {
  const { kind, message, status, retryAfterMs, lacking } = error;
  // Without the scheme: on GitHub, where texts that others had a hand in get no links, it can be copied as it is.
  const where =
    url === null ? 'in the settings of its installation' : `at ${url.replace(/^https?:\/\//, '')}`;
  const text = `${message}. The App lacks a permission there (${lacking}): grant it ${where}, then ask again`;
  return new GitHubError(kind, text, { status, retryAfterMs, lacking, cause: error });
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
