import { need } from '../access/access.ts';
import { zeroSha } from '../git/objects.ts';
import { ApiError, notFound } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { param, type Call, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';
import type { Repository } from '../world.ts';

/** Branches and tags as refs. */
export function gitRefRoutes(
  site: Pick<Site, 'shapes' | 'access' | 'objects' | 'refs' | 'refChanges' | 'rules'>,
): Route[] {
  const { shapes, access, objects, refs, refChanges, rules } = site;
  const read = need('contents', 'read', 'read');
  const write = need('contents', 'write', 'write');

  async function refOf(call: Call, repository: Repository) {
    const ref = await refs.read(repository.folder, `refs/${param(call, 'ref')}`);
    if (!ref) throw call.method === 'GET' ? notFound() : new ApiError(422, 'Reference does not exist');
    return ref;
  }

  return [
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/git/ref/*ref',
      async handle(call) {
        const repository = access.repository(call, read);
        return { status: 200, body: shapes.commits.ref(repository, await refOf(call, repository)) };
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/git/matching-refs/*ref',
      async handle(call) {
        const repository = access.repository(call, read);
        const prefix = `refs/${param(call, 'ref')}`;
        const all = await refs.list(repository.folder, 'refs');
        const found = all.filter((ref) => ref.name.startsWith(prefix));
        return { status: 200, body: found.map((ref) => shapes.commits.ref(repository, ref)) };
      },
    },
    {
      method: 'POST',
      pattern: '/repos/:owner/:repo/git/refs',
      async handle(call) {
        const repository = access.repository(call, write);
        const { folder } = repository;
        const body = createBodyReader(call.body);
        const name = body.requiredText('ref');
        const sha = body.requiredText('sha');
        if (!/^refs\/[^/]+\/./.test(name) || !(await refs.isWellFormed(folder, name))) {
          throw new ApiError(422, "Reference name must start with 'refs/' and be well-formed.");
        }
        if ((await refs.list(folder, 'refs/heads')).length === 0) {
          throw new ApiError(409, 'Git Repository is empty.');
        }
        const type = /^[0-9a-f]{40}$/.test(sha) ? await objects.type(folder, sha) : null;
        if (type === null) throw new ApiError(422, 'Object does not exist');
        if (name.startsWith('refs/heads/') && type !== 'commit') {
          throw new ApiError(422, 'Reference update failed');
        }
        rules.checkMove(repository, { ref: name, before: zeroSha, after: sha }, false);
        const by = access.doer(call.actor);
        if (
          (await refs.read(folder, name)) ||
          !(await refChanges.move(repository, by, { ref: name, before: zeroSha, after: sha }))
        ) {
          throw new ApiError(422, 'Reference already exists');
        }
        return { status: 201, body: shapes.commits.ref(repository, { name, sha, type }) };
      },
    },
    {
      method: 'PATCH',
      pattern: '/repos/:owner/:repo/git/refs/*ref',
      async handle(call) {
        const repository = access.repository(call, write);
        const ref = await refOf(call, repository);
        const body = createBodyReader(call.body);
        const after = body.requiredText('sha');
        const type = /^[0-9a-f]{40}$/.test(after) ? await objects.type(repository.folder, after) : null;
        if (type === null) throw new ApiError(422, 'Object does not exist');
        const isForced = !(await objects.isAncestor(repository.folder, ref.sha, after));
        if (isForced && body.flag('force') !== true) throw new ApiError(422, 'Update is not a fast forward');
        const change = { ref: ref.name, before: ref.sha, after };
        rules.checkMove(repository, change, isForced);
        if (!(await refChanges.move(repository, access.doer(call.actor), change))) {
          throw new ApiError(409, 'Reference cannot be updated');
        }
        return { status: 200, body: shapes.commits.ref(repository, { ...ref, sha: after }) };
      },
    },
    {
      method: 'DELETE',
      pattern: '/repos/:owner/:repo/git/refs/*ref',
      async handle(call) {
        const repository = access.repository(call, write);
        const ref = await refOf(call, repository);
        if (ref.name === `refs/heads/${repository.defaultBranch}`) {
          throw new ApiError(422, 'Cannot delete the default branch');
        }
        const change = { ref: ref.name, before: ref.sha, after: zeroSha };
        rules.checkMove(repository, change, false);
        await refChanges.move(repository, access.doer(call.actor), change);
        return { status: 204 };
      },
    },
  ];
}
