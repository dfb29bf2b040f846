import type { AppRegistration } from '../app-registration.ts';
import { isoTime, nodeId, type Links } from './links.ts';
import type { Account, Repository, Role } from '../world.ts';
import { roleOf, roles } from '../world.ts';

/** JSON of accounts and of the App. */
export function createAccountShapes(deps: { links: Links; app: AppRegistration }) {
  const { links, app } = deps;

  function user(account: Account) {
    const url = `${links.api}/users/${encodeURIComponent(account.login)}`;
    const page = account.type === 'Bot' ? `apps/${app.slug}` : account.login;
    return {
      login: account.login,
      id: account.id,
      node_id: nodeId(account.type === 'Bot' ? 'BOT' : 'U', account.id),
      avatar_url: `${links.web}/avatars/${account.id}`,
      gravatar_id: '',
      url,
      html_url: `${links.web}/${page}`,
      followers_url: `${url}/followers`,
      following_url: `${url}/following{/other_user}`,
      gists_url: `${url}/gists{/gist_id}`,
      starred_url: `${url}/starred{/owner}{/repo}`,
      subscriptions_url: `${url}/subscriptions`,
      organizations_url: `${url}/orgs`,
      repos_url: `${url}/repos`,
      events_url: `${url}/events{/privacy}`,
      received_events_url: `${url}/received_events`,
      type: account.type,
      user_view_type: 'public',
      site_admin: false,
    };
  }

  function userOrNull(account: Account | null) {
    return account && user(account);
  }

  function publicUser(account: Account, publicRepositories: number) {
    return {
      ...user(account),
      name: account.name,
      company: null,
      blog: '',
      location: null,
      email: null,
      hireable: null,
      bio: null,
      twitter_username: null,
      public_repos: publicRepositories,
      public_gists: 0,
      followers: 0,
      following: 0,
      created_at: isoTime(account.createdAtMs),
      updated_at: isoTime(account.createdAtMs),
    };
  }

  function organization(account: Account) {
    const url = `${links.api}/orgs/${account.login}`;
    return {
      login: account.login,
      id: account.id,
      node_id: nodeId('O', account.id),
      url,
      repos_url: `${url}/repos`,
      events_url: `${url}/events`,
      hooks_url: `${url}/hooks`,
      issues_url: `${url}/issues`,
      members_url: `${url}/members{/member}`,
      public_members_url: `${url}/public_members{/member}`,
      avatar_url: `${links.web}/avatars/${account.id}`,
      description: account.name,
    };
  }

  function integration() {
    return {
      id: app.id,
      client_id: app.clientId,
      slug: app.slug,
      node_id: nodeId('A', app.id),
      owner: user(app.owner),
      name: app.name,
      description: 'The App registered at this stand-in',
      external_url: `${links.web}/apps/${app.slug}`,
      html_url: `${links.web}/apps/${app.slug}`,
      created_at: isoTime(app.createdAtMs),
      updated_at: isoTime(app.createdAtMs),
      permissions: app.permissions,
      events: app.events,
    };
  }

  function viaApp(isViaApp: boolean) {
    return isViaApp ? integration() : null;
  }

  /** The coarse word and the role name for a person: maintain counts as write, triage as read. */
  function collaboratorPermission(repository: Repository, account: Account) {
    const role = roleOf(repository, account);
    const atLeast = (wanted: Role) => roles.indexOf(role) >= roles.indexOf(wanted);
    const coarse: Record<Role, string> = {
      none: 'none',
      read: 'read',
      triage: 'read',
      write: 'write',
      maintain: 'write',
      admin: 'admin',
    };
    return {
      permission: coarse[role],
      role_name: role,
      user: {
        ...user(account),
        permissions: {
          admin: atLeast('admin'),
          maintain: atLeast('maintain'),
          push: atLeast('write'),
          triage: atLeast('triage'),
          pull: atLeast('read'),
        },
        role_name: role,
      },
    };
  }

  return { user, userOrNull, publicUser, organization, integration, viaApp, collaboratorPermission };
}

export type AccountShapes = ReturnType<typeof createAccountShapes>;

/** What GitHub calls an author; it says little about rights, and nothing here may be decided by it. */
export function authorAssociation(repository: Repository, account: Account): string {
  if (account === repository.owner) return 'OWNER';
  if (account.type === 'Bot') return 'NONE';
  const given = repository.roles.get(account.id) ?? 'none';
  if (given === 'none') return 'NONE';
  return repository.owner.type === 'Organization' ? 'MEMBER' : 'COLLABORATOR';
}
