import { type GitHubCall } from './github-call.ts';
import type { GitHub } from './github.ts';

export function createRepositoryReader({ call }: { call: GitHubCall }): Pick<GitHub, 'readRepository'> {
  return {
    async readRepository({ installationId, fullName }) {
      const [owner = '', repo = ''] = fullName.split('/');
      const { data } = await call(installationId, (octokit) => octokit.rest.repos.get({ owner, repo }));
      return {
        id: data.id,
        owner: data.owner.login,
        name: data.name,
        private: data.private,
        defaultBranch: data.default_branch,
        cloneUrl: data.clone_url,
        htmlUrl: data.html_url,
      };
    },
  };
}
