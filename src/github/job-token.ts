import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { withGitHubErrors } from './github-call.ts';
import { GitHubError } from './github-error.ts';
import type { GitHub } from './github.ts';
import type { InstallationLimits } from './installation-limits.ts';
import { type Octokit, createTokenOctokit } from './probot-octokit.ts';

/**
 * Tokens that leave the coordinator. By direct requests, never through Octokit's authentication: its cache hands the same
 * token to every job with the same permissions, so that revoking one would end the others.
 */
export function createJobTokens(deps: {
  appOctokit: () => Promise<Octokit>;
  apiUrl: string;
  clock: Pick<Clock, 'nowMs'>;
  limits: InstallationLimits;
  log: Logger;
}): Pick<GitHub, 'mintToken' | 'revokeToken'> {
  const { appOctokit, apiUrl, clock, limits, log } = deps;

  return {
    async mintToken({ installationId, repository }, permissions) {
      const { data } = await limits.obey(installationId, 'app', () =>
        withGitHubErrors(clock, async () => {
          const octokit = await appOctokit();
          return octokit.rest.apps.createInstallationAccessToken({
            installation_id: installationId,
            repository_ids: [repository.id],
            permissions,
            // A token whose answer is lost harms nobody, and somebody is waiting for this one.
            request: { retries: 1 },
          });
        }),
      );
      return { token: data.token, expiresAtMs: Date.parse(data.expires_at) };
    },

    async revokeToken(token) {
      try {
        // Not held up by limits: it takes access away.
        await withGitHubErrors(clock, () =>
          createTokenOctokit({ baseUrl: apiUrl, token, log }).rest.apps.revokeInstallationAccessToken(),
        );
      } catch (error) {
        if (!isOfDeadToken(error)) throw error;
      }
    },
  };
}

/** Expired, revoked before, or of an installation that is gone or suspended. */
function isOfDeadToken(error: unknown): boolean {
  return (
    error instanceof GitHubError &&
    (error.status === 401 || error.kind === 'gone' || error.kind === 'forbidden')
  );
}
