import { permissionsCover } from '../access/permission-level.ts';
import { ApiError, notFound } from '../http/api-error.ts';
import { param, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';

/** Who is in which team of an organisation. */
export function teamRoutes({ world, links }: Pick<Site, 'world' | 'links'>): Route[] {
  return [
    {
      method: 'GET',
      pattern: '/orgs/:org/teams/:slug/memberships/:login',
      handle(call) {
        const org = world.account(param(call, 'org'));
        const { actor } = call;
        // Another organisation's teams are hidden, whatever the token may do in its own.
        if (actor.kind !== 'installation' || !org || actor.token.installation.account !== org)
          throw notFound();
        if (!permissionsCover(actor.token.permissions, { members: 'read' })) {
          throw new ApiError(403, 'Resource not accessible by integration', {
            headers: { 'x-accepted-github-permissions': 'members=read' },
          });
        }
        const slug = param(call, 'slug');
        const account = world.account(param(call, 'login'));
        if (!account || world.teams.get(`${org.login}/${slug}`.toLowerCase())?.has(account.id) !== true)
          throw notFound();
        const url = `${links.api}/organizations/${org.id}/team/${slug}/memberships/${account.login}`;
        return { status: 200, body: { url, role: 'member', state: 'active' } };
      },
    },
  ];
}
