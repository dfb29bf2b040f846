import { SETTINGS_PROPOSAL, toSettingsTemplate } from '../domain/settings-template.ts';
import { GitHubError } from '../github/github-error.ts';
import type { GitHub } from '../github/github.ts';
import type { ProposeFile } from '../github/propose-file.ts';
import type { Store } from '../store/store.ts';
import { accepted, type Answer, refused } from './answer.ts';

/** Opens a pull request with a commented settings file in `owner/name`, or finds it. */
export type ProposeSettings = (fullName: string) => Promise<Answer<{ url: string }>>;

/** For operators, who welcome a repository with it. Nothing is proposed where there are settings already. */
export function createProposeSettings(deps: {
  store: { sweeps: Pick<Store['sweeps'], 'repositories'> };
  github: Pick<GitHub, 'readRepository' | 'readSettingsFile' | 'readHead'>;
  proposeFile: ProposeFile;
  /** Where editors find the schema of settings; `null`: nobody said. */
  schemaUrl: string | null;
}): ProposeSettings {
  const { store, github } = deps;

  return async (fullName) => {
    const known = (await store.sweeps.repositories()).find(
      ({ repository: { owner, name } }) => `${owner}/${name}`.toLowerCase() === fullName.toLowerCase(),
    );
    if (known === undefined)
      return refused('not_found', `${fullName} is not known: install the App on it, or mend the name.`);
    const { installationId } = known;
    try {
      const repository = await github.readRepository({ installationId, fullName });
      const target = { installationId, repository };
      const base = repository.defaultBranch;
      if ((await github.readHead(target, base)) === null)
        return refused('policy_refused', `${fullName} is empty: it needs a first commit.`);
      if ((await github.readSettingsFile(target)) !== null)
        return refused('policy_refused', `${fullName} has a ${SETTINGS_PROPOSAL.path} already.`);
      const { url } = await deps.proposeFile(target, {
        ...SETTINGS_PROPOSAL,
        text: toSettingsTemplate(deps.schemaUrl),
        base,
      });
      return accepted({ url });
    } catch (error) {
      if (!(error instanceof GitHubError)) throw error;
      return refused('unavailable', `It could not be proposed in ${fullName}: ${error.message}`);
    }
  };
}
