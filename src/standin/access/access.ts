import { ApiError, notFound } from '../http/api-error.ts';
import { param, type Call } from '../http/router.ts';
import type { Links } from '../shapes/links.ts';
import {
  fullNameOf,
  hasRole,
  roleOf,
  type Issue,
  type Permissions,
  type Repository,
  type Role,
  type World,
} from '../world.ts';
import type { Actor, Doer } from './actor.ts';
import { tokenReaches } from './installation-tokens.ts';
import { permissionsCover } from './permission-level.ts';

/** What an operation asks for: of a token one of these permission sets, of a person at least this role. */
export type Need = { permissions: Permissions[]; role: Role };

/** Need for one permission, with the role that a person must hold. */
export function need(permission: string, level: 'read' | 'write', role: Role): Need {
  return { permissions: [{ [permission]: level }], role };
}

/**
 * Need of an operation on an issue or pull request: the `issues` permission serves for both, `pull_requests`
 * as well when it is a pull request.
 */
export function issueNeed(issue: Pick<Issue, 'pull'>, level: 'read' | 'write', role: Role): Need {
  const permissions: Permissions[] = [{ issues: level }];
  if (issue.pull) permissions.push({ pull_requests: level });
  return { permissions, role };
}

/** Decides who may see and do what: 404 hides, 403 refuses, 401 asks for a login. */
export function createAccess(deps: { world: World; links: Links }) {
  const { world, links } = deps;

  /** The repository of the route, if the actor may see it at all. */
  function visibleRepository(call: Call): Repository {
    const fullName = `${param(call, 'owner')}/${param(call, 'repo')}`;
    const repository = world.repository(fullName);
    if (repository) {
      if (!maySee(call.actor, repository)) throw notFound();
      return repository;
    }
    const renamed = world.renamedRepository(fullName);
    if (renamed && maySee(call.actor, renamed)) throw movedTo(call, renamed);
    throw notFound();
  }

  function maySee(actor: Actor, repository: Repository): boolean {
    switch (actor.kind) {
      case 'anonymous':
        return !repository.private;
      case 'app':
        // An App's JWT opens the App's own pages only.
        return false;
      case 'installation':
        return !repository.private || tokenReaches(world, actor.token, repository);
      case 'user':
        return roleOf(repository, actor.account) !== 'none';
      default:
        return actor satisfies never;
    }
  }

  /** Redirect of a repository that was renamed or transferred: other methods than GET keep method and body. */
  function movedTo(call: Call, repository: Repository): ApiError {
    const rest = call.path.split('/').slice(4).join('/');
    const query = call.query.toString();
    const url = `${links.api}/repositories/${repository.id}${rest && `/${rest}`}${query && `?${query}`}`;
    const permanent = call.method === 'GET' || call.method === 'HEAD';
    return new ApiError(permanent ? 301 : 307, permanent ? 'Moved Permanently' : 'Temporary Redirect', {
      headers: { location: url },
    });
  }

  /** Throws unless the actor meets the need in this repository. */
  function check(actor: Actor, repository: Repository, wanted: Need): void {
    const changes = wanted.permissions.some((set) => Object.values(set).some((level) => level !== 'read'));
    switch (actor.kind) {
      case 'anonymous':
        if (changes) throw new ApiError(401, 'Requires authentication');
        break;
      case 'app':
        throw notFound();
      case 'user':
        if (!hasRole(repository, actor.account, wanted.role)) {
          throw new ApiError(403, 'Must have admin rights to Repository.');
        }
        break;
      case 'installation':
        checkToken(actor, repository, wanted, changes);
        break;
      default:
        actor satisfies never;
    }
    if (changes && repository.archived) {
      throw new ApiError(403, 'Repository was archived so is read-only.');
    }
  }

  function checkToken(
    actor: Actor & { kind: 'installation' },
    repository: Repository,
    wanted: Need,
    changes: boolean,
  ): void {
    // What everybody may read, a token may read without any permission.
    if (!changes && !repository.private) return;
    const reached = tokenReaches(world, actor.token, repository);
    if (reached && wanted.permissions.some((set) => permissionsCover(actor.token.permissions, set))) return;
    throw new ApiError(403, 'Resource not accessible by integration', {
      headers: { 'x-accepted-github-permissions': acceptedPermissions(wanted) },
    });
  }

  /** The route's repository, when the actor meets the need in it. */
  function repository(call: Call, wanted: Need): Repository {
    const found = visibleRepository(call);
    check(call.actor, found, wanted);
    return found;
  }

  /** The issue or pull request of the route's `number`, when the actor meets the need that it brings. */
  function issue(
    call: Call,
    wanted: (issue: Issue, repository: Repository) => Need,
  ): { repository: Repository; issue: Issue } {
    const found = visibleRepository(call);
    const number = Number(param(call, 'number'));
    const item = found.issues.get(number);
    if (item) {
      check(call.actor, found, wanted(item, found));
      return { repository: found, issue: item };
    }
    if (found.deletedIssues.has(number)) throw new ApiError(410, 'This issue was deleted');
    const moved = found.transferredIssues.get(number);
    if (moved && maySee(call.actor, moved.repository)) {
      const url = `${links.api}/repos/${fullNameOf(moved.repository)}/issues/${moved.number}`;
      throw new ApiError(301, 'Moved Permanently', { headers: { location: url } });
    }
    throw notFound();
  }

  /** Whom a change by this actor is credited to. */
  function doer(actor: Actor): Doer {
    if (actor.kind === 'installation') return { account: actor.account, viaApp: true };
    if (actor.kind === 'user') return { account: actor.account, viaApp: false };
    throw new ApiError(401, 'Requires authentication');
  }

  return { visibleRepository, movedTo, maySee, check, repository, issue, doer };
}

export type Access = ReturnType<typeof createAccess>;

function acceptedPermissions(wanted: Need): string {
  return wanted.permissions
    .map((set) =>
      Object.entries(set)
        .map(([name, level]) => `${name}=${level}`)
        .join(','),
    )
    .join('; ');
}
