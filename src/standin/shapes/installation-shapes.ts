import type { AppRegistration } from '../app-registration.ts';
import type { InstallationToken } from '../access/installation-tokens.ts';
import type { Delivery } from '../webhooks/delivery.ts';
import type { Installation, World } from '../world.ts';
import type { AccountShapes } from './account-shapes.ts';
import { isoTime, isoTimeOrNull, nodeId, type Links } from './links.ts';
import type { RepositoryShapes } from './repository-shapes.ts';

/** JSON of installations, their tokens, and the App's webhook deliveries. */
export function createInstallationShapes(deps: {
  world: World;
  links: Links;
  app: AppRegistration;
  accounts: AccountShapes;
  repositories: RepositoryShapes;
}) {
  const { world, links, app, accounts, repositories } = deps;

  function installation(one: Installation) {
    const isOrganization = one.account.type === 'Organization';
    const settings = isOrganization ? `organizations/${one.account.login}/settings` : 'settings';
    return {
      id: one.id,
      client_id: app.clientId,
      account: accounts.user(one.account),
      repository_selection: one.selection === 'all' ? 'all' : 'selected',
      access_tokens_url: `${links.api}/app/installations/${one.id}/access_tokens`,
      repositories_url: `${links.api}/installation/repositories`,
      html_url: `${links.web}/${settings}/installations/${one.id}`,
      app_id: app.id,
      app_slug: app.slug,
      target_id: one.account.id,
      target_type: one.account.type,
      permissions: one.permissions,
      events: one.events,
      created_at: isoTime(one.createdAtMs),
      updated_at: isoTime(one.updatedAtMs),
      single_file_name: null,
      has_multiple_single_files: false,
      single_file_paths: [],
      suspended_by: accounts.userOrNull(one.suspendedBy),
      suspended_at: isoTimeOrNull(one.suspendedAtMs),
    };
  }

  function token(one: InstallationToken) {
    const { repositoryIds } = one;
    const chosen = repositoryIds && [...repositoryIds].flatMap((id) => world.repositories.get(id) ?? []);
    return {
      token: one.secret,
      expires_at: isoTime(one.expiresAtMs),
      permissions: one.permissions,
      repository_selection: chosen || one.installation.selection !== 'all' ? 'selected' : 'all',
      ...(chosen ? { repositories: chosen.map((repository) => repositories.repository(repository)) } : {}),
    };
  }

  /** The pointer that repository webhooks carry. */
  function briefInstallation(one: Installation) {
    return { id: one.id, node_id: nodeId('MDI', one.id) };
  }

  /** The App's webhook, as `ping` carries it. */
  function hook(id: number) {
    return {
      type: 'App',
      id,
      name: 'web',
      active: true,
      events: app.events,
      config: { content_type: 'json', insecure_ssl: '0', secret: '********', url: links.web },
      created_at: isoTime(app.createdAtMs),
      updated_at: isoTime(app.createdAtMs),
      app_id: app.id,
    };
  }

  function delivery(one: Delivery) {
    return {
      id: one.id,
      guid: one.guid,
      delivered_at: isoTime(one.deliveredAtMs),
      redelivery: one.redelivery,
      duration: one.durationMs / 1000,
      status: one.status,
      status_code: one.statusCode,
      event: one.event,
      action: one.action ?? null,
      installation_id: one.installationId,
      repository_id: one.repositoryId,
      throttled_at: null,
    };
  }

  function fullDelivery(one: Delivery) {
    return {
      ...delivery(one),
      url: one.url,
      request: { headers: one.request.headers, payload: one.request.payload },
      response: { headers: one.response.headers, payload: one.response.body },
    };
  }

  return { installation, token, briefInstallation, hook, delivery, fullDelivery };
}
