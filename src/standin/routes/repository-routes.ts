import { need } from '../access/access.ts';
import { notFound } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';

/** A repository as a whole, its languages and the rules of its branches. */
export function repositoryRoutes(
  site: Pick<Site, 'world' | 'links' | 'shapes' | 'access' | 'objects' | 'repositories' | 'rules'>,
): Route[] {
  const { world, links, shapes, access, objects, repositories, rules } = site;
  const read = need('metadata', 'read', 'read');

  return [
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo',
      handle: (call) => ({
        status: 200,
        body: shapes.repositories.fullRepository(access.repository(call, read)),
      }),
    },
    {
      method: 'GET',
      pattern: '/repositories/#id',
      handle(call) {
        const repository = world.repositories.get(Number(param(call, 'id')));
        if (!repository || !access.maySee(call.actor, repository)) throw notFound();
        return { status: 200, body: shapes.repositories.fullRepository(repository) };
      },
    },
    {
      method: 'PATCH',
      pattern: '/repos/:owner/:repo',
      handle(call) {
        const repository = access.visibleRepository(call);
        const body = createBodyReader(call.body);
        const archived = body.flag('archived');
        // Taking a repository out of the archive is the one change an archived one takes.
        if (archived !== false)
          access.check(call.actor, repository, need('administration', 'write', 'admin'));
        const by = access.doer(call.actor);
        const name = body.text('name');
        if (name !== undefined && name !== repository.name) repositories.rename(repository, by, name);
        repository.description = body.text('description') ?? repository.description;
        if (archived !== undefined && archived !== repository.archived) {
          repositories.setArchived(repository, by, archived);
        }
        return { status: 200, body: shapes.repositories.fullRepository(repository) };
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/languages',
      async handle(call) {
        const repository = access.repository(call, read);
        const tip = await objects.resolve(repository.folder, `refs/heads/${repository.defaultBranch}`);
        const entries = tip === null ? [] : await objects.tree(repository.folder, tip, true);
        const bytes = new Map<string, number>();
        for (const entry of entries) {
          const language = languages[entry.path.split('.').at(-1) ?? ''];
          if (language !== undefined) bytes.set(language, (bytes.get(language) ?? 0) + (entry.size ?? 0));
        }
        return { status: 200, body: Object.fromEntries([...bytes].sort((a, b) => b[1] - a[1])) };
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/rules/branches/*branch',
      handle(call) {
        const repository = access.repository(call, read);
        const active = rules.ofBranch(repository, param(call, 'branch'));
        const page = pageOf(call, links, active);
        const body = page.items.map(({ type, parameters }) => ({
          type,
          ...(parameters === undefined ? {} : { parameters }),
          ruleset_source_type: 'Repository',
          ruleset_source: `${repository.owner.login}/${repository.name}`,
          ruleset_id: repository.id,
        }));
        return { status: 200, body, headers: page.headers };
      },
    },
  ];
}

/** A few languages by file extension, enough for samples and tests. */
const languages: Record<string, string> = {
  css: 'CSS',
  go: 'Go',
  html: 'HTML',
  java: 'Java',
  js: 'JavaScript',
  py: 'Python',
  rb: 'Ruby',
  rs: 'Rust',
  sh: 'Shell',
  ts: 'TypeScript',
  tsx: 'TypeScript',
};
