import type { InstallationTokens } from '../access/installation-tokens.ts';
import type { AppRegistration } from '../app-registration.ts';
import type { Shapes } from '../shapes/shapes.ts';
import type { Events } from '../webhooks/events.ts';
import {
  fullNameOf,
  type Account,
  type Installation,
  type Permissions,
  type Repository,
  type World,
} from '../world.ts';

/** The life of an installation. Each step sends its webhook, which no App can unsubscribe. */
export function createInstallationActions(deps: {
  world: World;
  clock: { nowMs(): number };
  app: AppRegistration;
  tokens: InstallationTokens;
  shapes: Shapes;
  events: Events;
}) {
  const { world, clock, app, tokens, shapes, events } = deps;

  function install(
    account: Account,
    by: Account,
    wanted: { repositories: 'all' | Repository[]; permissions: Permissions | undefined },
  ): Installation {
    if (world.installations.values().some((one) => one.account === account)) {
      throw new Error(`The App is installed at ${account.login} already`);
    }
    const now = clock.nowMs();
    const installation: Installation = {
      id: world.newId('installation'),
      account,
      selection: wanted.repositories === 'all' ? 'all' : new Set(wanted.repositories.map((one) => one.id)),
      permissions: wanted.permissions ?? app.permissions,
      events: app.events,
      suspendedAtMs: null,
      suspendedBy: null,
      createdAtMs: now,
      updatedAtMs: now,
    };
    world.installations.set(installation.id, installation);
    announce(installation, 'created', by, {
      repositories: brief(world.repositoriesOf(installation)),
      requester: null,
    });
    return installation;
  }

  function uninstall(installation: Installation, by: Account): void {
    const repositories = brief(world.repositoriesOf(installation));
    world.installations.delete(installation.id);
    tokens.revokeAllOf(installation);
    announce(installation, 'deleted', by, { repositories });
  }

  function setSuspended(installation: Installation, by: Account, suspended: boolean): void {
    installation.suspendedAtMs = suspended ? clock.nowMs() : null;
    installation.suspendedBy = suspended ? by : null;
    installation.updatedAtMs = clock.nowMs();
    // Without the repositories: GitHub's published examples of these two have none.
    announce(installation, suspended ? 'suspend' : 'unsuspend', by, {});
  }

  function acceptPermissions(installation: Installation, by: Account, permissions: Permissions): void {
    installation.permissions = permissions;
    installation.updatedAtMs = clock.nowMs();
    announce(installation, 'new_permissions_accepted', by, {
      repositories: brief(world.repositoriesOf(installation)),
    });
  }

  /** Adds or removes single repositories of an installation on selected ones. */
  function changeRepositories(
    installation: Installation,
    by: Account,
    action: 'added' | 'removed',
    repositories: Repository[],
  ): void {
    const { selection } = installation;
    if (selection === 'all') {
      const names = repositories.map(fullNameOf).join(', ');
      throw new Error(`The installation covers all repositories: ${names} cannot be ${action}`);
    }
    for (const repository of repositories) {
      if (action === 'added') selection.add(repository.id);
      else selection.delete(repository.id);
    }
    installation.updatedAtMs = clock.nowMs();
    events.aboutInstallation(installation, 'installation_repositories', action, by, {
      repository_selection: 'selected',
      repositories_added: action === 'added' ? brief(repositories) : [],
      repositories_removed: action === 'removed' ? brief(repositories) : [],
      requester: null,
    });
  }

  function brief(repositories: Repository[]) {
    return repositories.map((one) => shapes.repositories.briefRepository(one));
  }

  function announce(
    installation: Installation,
    action: string,
    by: Account,
    extra: Record<string, unknown>,
  ): void {
    events.aboutInstallation(installation, 'installation', action, by, extra);
  }

  return { install, uninstall, setSuspended, acceptPermissions, changeRepositories };
}

export type InstallationActions = ReturnType<typeof createInstallationActions>;
