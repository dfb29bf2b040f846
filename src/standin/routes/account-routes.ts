import { ApiError, notFound } from '../http/api-error.ts';
import { rateLimitBucket } from '../access/actor.ts';
import { need } from '../access/access.ts';
import { param, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';

/** Accounts, roles, and what GitHub tells about itself. */
export function accountRoutes(site: Pick<Site, 'world' | 'shapes' | 'access' | 'rateLimit'>): Route[] {
  const { world, shapes, access, rateLimit } = site;

  return [
    {
      method: 'GET',
      pattern: '/users/:login',
      handle(call) {
        const account = world.account(param(call, 'login'));
        if (!account) throw notFound();
        const publicRepositories = world.repositories
          .values()
          .filter((one) => one.owner === account && !one.private)
          .toArray().length;
        return { status: 200, body: shapes.accounts.publicUser(account, publicRepositories) };
      },
    },
    {
      method: 'GET',
      pattern: '/user',
      handle(call) {
        const { account, viaApp } = access.doer(call.actor);
        if (viaApp) throw new ApiError(403, 'Resource not accessible by integration');
        return { status: 200, body: shapes.accounts.publicUser(account, 0) };
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/collaborators/:login/permission',
      handle(call) {
        const repository = access.repository(call, need('metadata', 'read', 'write'));
        if (call.actor.kind === 'anonymous') throw new ApiError(401, 'Requires authentication');
        const account = world.account(param(call, 'login'));
        if (!account) throw new ApiError(404, `${param(call, 'login')} is not a user`);
        return { status: 200, body: shapes.accounts.collaboratorPermission(repository, account) };
      },
    },
    {
      method: 'GET',
      pattern: '/rate_limit',
      handle(call) {
        const core = rateLimit.status(rateLimitBucket(call.actor));
        const untouched = { ...core, used: 0, remaining: core.limit };
        return {
          status: 200,
          body: { resources: { core, search: untouched, graphql: untouched }, rate: core },
        };
      },
    },
    {
      method: 'GET',
      pattern: '/meta',
      handle: () => ({
        status: 200,
        body: {
          verifiable_password_authentication: false,
          hooks: ['127.0.0.0/8'],
          web: ['127.0.0.0/8'],
          api: ['127.0.0.0/8'],
          git: ['127.0.0.0/8'],
        },
      }),
    },
  ];
}
