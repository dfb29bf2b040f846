import { z } from 'zod';
import type { Trigger } from '../domain/trigger.ts';
import { InstallationPayload } from './payload.ts';
import { translatorOf } from './translator-of.ts';
import { type Translator, means, meansNothing } from './translation.ts';

/** GitHub sends no more of a repository here. */
const Repositories = z.array(z.object({ id: z.int().positive(), full_name: z.string() }));

const CreatedPayload = InstallationPayload.extend({ repositories: Repositories.optional() });
const AddedPayload = InstallationPayload.extend({ repositories_added: Repositories });
const RemovedPayload = InstallationPayload.extend({ repositories_removed: Repositories });

/** `installation.created`: with the repositories that the App can reach now. */
export const translateInstalled: Translator = translatorOf(CreatedPayload, (payload, guid) => {
  const { installation, repositories = [] } = payload;
  return repositories.length === 0
    ? meansNothing(NOTHING_ADDED)
    : means(toAdded(installation.id, repositories, guid));
});

/**
 * `installation.unsuspend`, `installation.new_permissions_accepted`: the App can work again. GitHub need not say in which repositories, and what
 * came meanwhile no webhook told of: the sweeps look.
 */
export const translateAllowedAgain: Translator = translatorOf(CreatedPayload, (payload, guid) =>
  means(toAdded(payload.installation.id, payload.repositories ?? [], guid)),
);

/** `installation_repositories.added`. */
export const translateRepositoriesAdded: Translator = translatorOf(AddedPayload, (payload, guid) => {
  const { installation, repositories_added: repositories } = payload;
  return repositories.length === 0
    ? meansNothing(NOTHING_ADDED)
    : means(toAdded(installation.id, repositories, guid));
});

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

const NOTHING_ADDED = 'no repository was added';

/** Nothing but a webhook tells of these, so the delivery's GUID is key enough. */
function toAdded(installationId: number, repositories: z.infer<typeof Repositories>, guid: string): Trigger {
  return {
    kind: 'repositories_added',
    key: `repositories_added:${guid}`,
    installationId,
    repositories: repositories.map(({ id, full_name }) => ({ id, fullName: full_name })),
  };
}
