import { Buffer } from 'node:buffer';
import { MAX_SETTINGS_CHARACTERS } from '../domain/settings-document.ts';
import { SETTINGS_FILE_PATH } from '../domain/settings-problem.ts';
import { nullWhenGone } from './find-or-create.ts';
import type { GitHubCall } from './github-call.ts';
import type { GitHub } from './github.ts';

export function createSettingsReader({ call }: { call: GitHubCall }): Pick<GitHub, 'readSettingsFile'> {
  return {
    async readSettingsFile(target, place, commit) {
      const { owner, name, path } = place ?? { ...target.repository, path: SETTINGS_FILE_PATH };
      // Without `ref`, GitHub takes the default branch.
      const response = await nullWhenGone(
        call(target.installationId, (octokit) =>
          octokit.rest.repos.getContent({
            owner,
            repo: name,
            path,
            ...(commit !== undefined && { ref: commit }),
          }),
        ),
      );
      const file = response?.data;
      // A folder or a submodule of that name is no settings file.
      if (file === undefined || Array.isArray(file) || file.type !== 'file') return null;
      // Too long to be sent along at all: the parser refuses it by its length, and says so to people.
      if (file.encoding !== 'base64') return '#'.repeat(MAX_SETTINGS_CHARACTERS + 1);
      return Buffer.from(file.content, 'base64').toString('utf8');
    },
  };
}
