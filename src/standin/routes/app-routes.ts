import { ApiError, notFound } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Call, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';
import type { Installation } from '../world.ts';

/** What an App does with its JSON Web Token: look at itself and its installations, and mint tokens. */
export function appRoutes(
  site: Pick<Site, 'world' | 'links' | 'app' | 'tokens' | 'shapes' | 'access' | 'installations'>,
): Route[] {
  const { world, links, app, tokens, shapes, access, installations } = site;

  function installationOf(call: Call): Installation {
    requireApp(call);
    const found = world.installations.get(Number(param(call, 'installation')));
    if (!found) throw notFound();
    return found;
  }

  return [
    {
      method: 'GET',
      pattern: '/app',
      handle(call) {
        requireApp(call);
        return {
          status: 200,
          body: { ...shapes.accounts.integration(), installations_count: world.installations.size },
        };
      },
    },
    {
      method: 'GET',
      pattern: '/apps/:slug',
      handle(call) {
        if (param(call, 'slug') !== app.slug) throw notFound();
        return { status: 200, body: shapes.accounts.integration() };
      },
    },
    {
      method: 'GET',
      pattern: '/app/installations',
      handle(call) {
        requireApp(call);
        const page = pageOf(call, links, [...world.installations.values()]);
        const body = page.items.map((one) => shapes.installations.installation(one));
        return { status: 200, body, headers: page.headers };
      },
    },
    {
      method: 'GET',
      pattern: '/app/installations/#installation',
      handle: (call) => ({ status: 200, body: shapes.installations.installation(installationOf(call)) }),
    },
    {
      method: 'DELETE',
      pattern: '/app/installations/#installation',
      handle(call) {
        installations.uninstall(installationOf(call), app.owner);
        return { status: 204 };
      },
    },
    {
      method: 'PUT',
      pattern: '/app/installations/#installation/suspended',
      handle(call) {
        installations.setSuspended(installationOf(call), app.owner, true);
        return { status: 204 };
      },
    },
    {
      method: 'DELETE',
      pattern: '/app/installations/#installation/suspended',
      handle(call) {
        installations.setSuspended(installationOf(call), app.owner, false);
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      pattern: '/app/installations/#installation/access_tokens',
      handle(call) {
        const installation = installationOf(call);
        if (installation.suspendedAtMs !== null) {
          throw new ApiError(403, 'This installation has been suspended');
        }
        const body = createBodyReader(call.body);
        const ids = body.list('repository_ids');
        if (ids?.some((id) => !Number.isInteger(id))) throw body.missing('repository_ids');
        const token = tokens.mint(installation, {
          repositories: body.texts('repositories'),
          repositoryIds: ids?.map(Number),
          permissions: body.record('permissions'),
          short: call.headers['x-github-stateless-s2s-token'] === 'disabled',
        });
        return { status: 201, body: shapes.installations.token(token) };
      },
    },
    {
      method: 'DELETE',
      pattern: '/installation/token',
      handle(call) {
        requireInstallation(call).token.revoked = true;
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      pattern: '/installation/repositories',
      handle(call) {
        const { token } = requireInstallation(call);
        const covered = world
          .repositoriesOf(token.installation)
          .filter((one) => token.repositoryIds === null || token.repositoryIds.has(one.id));
        const page = pageOf(call, links, covered);
        return {
          status: 200,
          body: {
            total_count: covered.length,
            repository_selection:
              token.repositoryIds || token.installation.selection !== 'all' ? 'selected' : 'all',
            repositories: page.items.map((one) => shapes.repositories.repository(one)),
          },
          headers: page.headers,
        };
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/installation',
      handle(call) {
        requireApp(call);
        const fullName = `${param(call, 'owner')}/${param(call, 'repo')}`;
        const repository = world.repository(fullName);
        const renamed = repository ? undefined : world.renamedRepository(fullName);
        if (renamed) throw access.movedTo(call, renamed);
        const installation = repository && world.installationOf(repository);
        if (!installation) throw notFound();
        return { status: 200, body: shapes.installations.installation(installation) };
      },
    },
  ];
}

/** Throws unless the request carries the App's JSON Web Token. */
export function requireApp(call: Call): void {
  if (call.actor.kind !== 'app') throw new ApiError(401, 'A JSON web token could not be decoded');
}

function requireInstallation(call: Call) {
  if (call.actor.kind !== 'installation') {
    throw new ApiError(
      403,
      'You must authenticate with an installation access token in order to access this endpoint.',
    );
  }
  return call.actor;
}
