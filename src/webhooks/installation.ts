import { z } from 'zod';
import { InstallationPayload } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

/** GitHub sends no more of a repository here. */
const Repositories = z.array(z.object({ id: z.int().positive(), full_name: z.string() }));

const CreatedPayload = InstallationPayload.extend({ repositories: Repositories.optional() });
const AddedPayload = InstallationPayload.extend({ repositories_added: Repositories });
const RemovedPayload = InstallationPayload.extend({ repositories_removed: Repositories });

/** `installation.created`, `installation.unsuspend`: with the repositories that the App can reach now. */
export const translateInstalled: Translator = translatorOf(CreatedPayload, (payload, guid) =>
  toAdded(payload.installation.id, payload.repositories ?? [], guid),
);

/** `installation_repositories.added`. */
export const translateRepositoriesAdded: Translator = translatorOf(AddedPayload, (payload, guid) =>
  toAdded(payload.installation.id, payload.repositories_added, guid),
);

/** `installation_repositories.removed`. */
export const translateRepositoriesRemoved: Translator = translatorOf(RemovedPayload, (payload, guid) => {
  const { installation, repositories_removed } = payload;
  if (repositories_removed.length === 0) return meansNothing('no repository was removed');
  return means({
    kind: 'repositories_removed',
    key: `repositories_removed:${guid}`,
    installationId: installation.id,
    repositoryIds: repositories_removed.map(({ id }) => id),
    why: 'The repository was removed from the installation of the App',
  });
});

/** `installation.deleted`, `installation.suspend`: everything the App could reach there is out of reach. */
export function translateInstallationEnd(why: string): Translator {
  return translatorOf(InstallationPayload, ({ installation }, guid) =>
    means({
      kind: 'repositories_removed',
      key: `repositories_removed:${guid}`,
      installationId: installation.id,
      repositoryIds: 'all',
      why,
    }),
  );
}

/** Nothing but a webhook tells of these, so the delivery's GUID is key enough. */
function toAdded(installationId: number, repositories: z.infer<typeof Repositories>, guid: string) {
  if (repositories.length === 0) return meansNothing('no repository was added');
  return means({
    kind: 'repositories_added',
    key: `repositories_added:${guid}`,
    installationId,
    repositories: repositories.map(({ id, full_name }) => ({ id, fullName: full_name })),
  });
}
