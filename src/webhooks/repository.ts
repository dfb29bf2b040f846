import { NO_INSTALLATION, RepositoryPayload, toTarget } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

/** `repository.renamed`, `edited`, `transferred` (only the new owner's installation hears of it), `privatized` and so on. */
export const translateRepositoryChanged: Translator = translatorOf(RepositoryPayload, (payload, guid) => {
  const target = toTarget(payload);
  if (target === null) return meansNothing(NO_INSTALLATION);
  return means({ kind: 'repository_changed', key: `repository_changed:${guid}`, target });
});

/** `repository.archived`, `repository.deleted`: nothing can be written there any more. */
export function translateRepositoryEnd(why: string): Translator {
  return translatorOf(RepositoryPayload, (payload, guid) => {
    const target = toTarget(payload);
    if (target === null) return meansNothing(NO_INSTALLATION);
    return means({
      kind: 'repositories_removed',
      key: `repositories_removed:${guid}`,
      installationId: target.installationId,
      repositoryIds: [target.repository.id],
      why,
    });
  });
}
