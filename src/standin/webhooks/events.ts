import { randomUUID } from 'node:crypto';
import { permissionsCover } from '../access/permission-level.ts';
import type { Shapes } from '../shapes/shapes.ts';
import type { Account, Installation, Permissions, Repository, World } from '../world.ts';
import type { SentWebhook } from './delivery.ts';
import { hookId, type WebhookSender } from './sender.ts';

/** What an installation must have been granted to hear of an event; one of the sets is enough. */
const permissionsForEvent: Record<string, Permissions[]> = {
  issues: [{ issues: 'read' }],
  issue_comment: [{ issues: 'read' }, { pull_requests: 'read' }],
  label: [{ metadata: 'read' }],
  pull_request: [{ pull_requests: 'read' }],
  pull_request_review: [{ pull_requests: 'read' }],
  pull_request_review_comment: [{ pull_requests: 'read' }],
  pull_request_review_thread: [{ pull_requests: 'read' }],
  check_run: [{ checks: 'read' }],
  check_suite: [{ checks: 'read' }],
  push: [{ contents: 'read' }],
  repository: [{ metadata: 'read' }],
  status: [{ statuses: 'read' }],
};

/** What only the App that owns the checks hears, and only when it may write them. */
const ownerOnly = new Set([
  'check_run.rerequested',
  'check_run.requested_action',
  'check_suite.requested',
  'check_suite.rerequested',
]);

/** Makes webhook payloads and hands them to the installations they concern. */
export function createEvents(deps: {
  world: World;
  shapes: Shapes;
  sender: WebhookSender;
  onWebhook: ((webhook: SentWebhook) => void) | undefined;
}) {
  const { world, shapes, sender, onWebhook } = deps;

  /** Tells the installation that covers the repository, unless it is suspended or may not hear of this. */
  function inRepository(
    repository: Repository,
    event: string,
    action: string | undefined,
    by: Account,
    body: Record<string, unknown>,
  ): void {
    const installation = world.installationOf(repository);
    if (!installation || !hears(installation, event, action)) return;
    publish(
      event,
      action,
      {
        ...(action === undefined ? {} : { action }),
        ...body,
        repository: shapes.repositories.repository(repository),
        ...organizationOf(repository.owner),
        sender: shapes.accounts.user(by),
        installation: shapes.installations.briefInstallation(installation),
      },
      { installationId: installation.id, repositoryId: repository.id },
    );
  }

  /** Events about the installation itself, which cannot be unsubscribed. */
  function aboutInstallation(
    installation: Installation,
    event: 'installation' | 'installation_repositories',
    action: string,
    by: Account,
    body: Record<string, unknown>,
  ): void {
    publish(
      event,
      action,
      {
        action,
        installation: shapes.installations.installation(installation),
        ...body,
        ...organizationOf(installation.account),
        sender: shapes.accounts.user(by),
      },
      { installationId: installation.id, repositoryId: null },
    );
  }

  /** The greeting that GitHub sends to the URL of a new webhook. */
  function ping(): void {
    const payload = {
      zen: 'Keep it logically awesome.',
      hook_id: hookId,
      hook: shapes.installations.hook(hookId),
    };
    publish('ping', undefined, payload, { installationId: null, repositoryId: null });
  }

  function publish(
    event: string,
    action: string | undefined,
    payload: Record<string, unknown>,
    scope: { installationId: number | null; repositoryId: number | null },
  ): void {
    const webhook = { event, ...(action === undefined ? {} : { action }), guid: randomUUID(), payload };
    onWebhook?.(webhook);
    sender.send(webhook, scope);
  }

  function organizationOf(account: Account): Record<string, unknown> {
    return account.type === 'Organization' ? { organization: shapes.accounts.organization(account) } : {};
  }

  return { inRepository, aboutInstallation, ping };
}

export type Events = ReturnType<typeof createEvents>;

function hears(installation: Installation, event: string, action: string | undefined): boolean {
  if (installation.suspendedAtMs !== null || !installation.events.includes(event)) return false;
  if (ownerOnly.has(`${event}.${action}`)) {
    return permissionsCover(installation.permissions, { checks: 'write' });
  }
  return (permissionsForEvent[event] ?? []).some((set) => permissionsCover(installation.permissions, set));
}
