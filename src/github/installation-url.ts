import type { Octokit } from './probot-octokit.ts';

/** Where people change what an installation of the App may do. Asked of GitHub once for each; `null` when it does not say. */
export function createInstallationUrls({
  appOctokit,
}: {
  appOctokit: () => Promise<Octokit>;
}): (installationId: number) => Promise<string | null> {
  const known = new Map<number, string>();
  return async (installationId) => {
    const before = known.get(installationId);
    if (before !== undefined) return before;
    try {
      const octokit = await appOctokit();
      const { data } = await octokit.rest.apps.getInstallation({ installation_id: installationId });
      known.set(installationId, data.html_url);
      return data.html_url;
    } catch {
      // It only says where to mend another failure, which is told in any case.
      return null;
    }
  };
}
