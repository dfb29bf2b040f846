import { need, type Need } from '../access/access.ts';
import { ApiError, notFound, validationFailed } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import { commitOfRef } from './commit-of-ref.ts';
import { asPull, type Pull } from '../shapes/pull-shapes.ts';
import type { Site } from '../site.ts';
import { hasRole, type Account, type Repository } from '../world.ts';

/** Pull requests: open, read, change, list what they hold, merge. */
export function pullRoutes(
  site: Pick<Site, 'world' | 'links' | 'shapes' | 'access' | 'objects' | 'issues' | 'pulls' | 'merge'>,
): Route[] {
  const { world, links, shapes, access, objects, issues, pulls, merge } = site;
  const read = need('pull_requests', 'read', 'read');
  const write = need('pull_requests', 'write', 'triage');

  async function answer(repository: Repository, pull: Pull, status = 200): Promise<Reply> {
    return { status, body: await shapes.pulls.pull(repository, pull) };
  }

  function list(call: Call): Reply {
    const repository = access.repository(call, read);
    const state = call.query.get('state') ?? 'open';
    const head = call.query.get('head');
    const base = call.query.get('base');
    const found = [...repository.issues.values()]
      .flatMap((issue) => asPull(issue) ?? [])
      .filter(
        (pull) =>
          (state === 'all' || pull.state === state) &&
          (head === null || sameText(`${repository.owner.login}:${pull.pull.head}`, head)) &&
          (base === null || pull.pull.base === base),
      );
    const key = call.query.get('sort') === 'updated' ? 'updatedAtMs' : 'createdAtMs';
    const sign = call.query.get('direction') === 'asc' ? 1 : -1;
    found.sort((a, b) => sign * (a[key] - b[key] || a.number - b.number));
    const { items, headers } = pageOf(call, links, found);
    return { status: 200, body: items.map((pull) => shapes.pulls.simplePull(repository, pull)), headers };
  }

  async function open(call: Call): Promise<Reply> {
    const repository = access.repository(call, need('pull_requests', 'write', 'write'));
    const body = createBodyReader(call.body);
    const pull = await pulls.open(repository, access.doer(call.actor), {
      title: body.requiredText('title'),
      body: body.text('body') ?? null,
      head: body.requiredText('head'),
      base: body.requiredText('base'),
      draft: body.flag('draft') ?? false,
      maintainerCanModify: body.flag('maintainer_can_modify') ?? false,
    });
    return answer(repository, pull, 201);
  }

  async function change(call: Call): Promise<Reply> {
    const { repository, pull } = pullOf(call, site, write);
    const body = createBodyReader(call.body);
    const by = access.doer(call.actor);
    const state = body.oneOf('state', ['open', 'closed']);
    const base = body.text('base');
    await issues.edit(repository, pull, by, {
      title: body.text('title'),
      body: body.has('body') ? (body.text('body') ?? null) : undefined,
    });
    if (base !== undefined) await pulls.changeBase(repository, pull, by, base);
    if (state === 'closed') await issues.close(repository, pull, by);
    if (state === 'open' && pull.state === 'closed') {
      if (
        pull.pull.mergedAtMs !== null ||
        (await objects.resolve(repository.folder, pull.pull.head)) === null
      ) {
        throw validationFailed({ resource: 'PullRequest', field: 'state', code: 'invalid' });
      }
      await issues.reopen(repository, pull, by);
    }
    return answer(repository, pull);
  }

  async function mergeBaseOf(repository: Repository, pull: Pull): Promise<string> {
    const { baseSha, headSha } = pull.pull;
    return (await objects.mergeBase(repository.folder, baseSha, headSha)) ?? baseSha;
  }

  async function changeReviewers(call: Call, kind: 'add' | 'remove'): Promise<Reply> {
    const { repository, pull } = pullOf(call, site, write);
    const body = createBodyReader(call.body);
    // There are no teams here, so that none is a collaborator.
    const teams = body.texts('team_reviewers') ?? [];
    const named = (body.texts('reviewers') ?? []).flatMap((login) => {
      const account = world.account(login);
      return account && isCollaborator(repository, account) ? account : [];
    });
    if (teams.length > 0 || named.length < (body.texts('reviewers') ?? []).length) {
      throw new ApiError(
        422,
        `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${repository.owner.login}/${repository.name} repository.`,
      );
    }
    if (kind === 'add') {
      await pulls.requestReviewers(repository, pull, access.doer(call.actor), named);
    } else {
      pull.pull.requestedReviewers = pull.pull.requestedReviewers.filter((one) => !named.includes(one));
    }
    return { status: kind === 'add' ? 201 : 200, body: shapes.pulls.simplePull(repository, pull) };
  }

  /** Pull requests that brought the commit, or would: open ones that hold it, and merged ones. */
  async function ofCommit(call: Call): Promise<Reply> {
    const repository = access.repository(call, read);
    const { folder } = repository;
    const sha = await commitOfRef(objects, repository, param(call, 'sha'));
    const found: Pull[] = [];
    for (const issue of repository.issues.values()) {
      const pull = asPull(issue);
      if (!pull) continue;
      const { headSha, baseSha, mergeCommitSha } = pull.pull;
      const from = await mergeBaseOf(repository, pull);
      const isInside =
        (await objects.isAncestor(folder, sha, headSha)) && !(await objects.isAncestor(folder, sha, from));
      if (sha === mergeCommitSha || (isInside && baseSha !== sha)) found.push(pull);
    }
    const { items, headers } = pageOf(call, links, found);
    return { status: 200, body: items.map((pull) => shapes.pulls.simplePull(repository, pull)), headers };
  }

  const one = '/repos/:owner/:repo/pulls/#number';
  return [
    { method: 'GET', pattern: '/repos/:owner/:repo/commits/:sha/pulls', handle: ofCommit },
    { method: 'GET', pattern: '/repos/:owner/:repo/pulls', handle: list },
    { method: 'POST', pattern: '/repos/:owner/:repo/pulls', handle: open },
    {
      method: 'GET',
      pattern: one,
      handle(call) {
        const { repository, pull } = pullOf(call, site, read);
        return answer(repository, pull);
      },
    },
    { method: 'PATCH', pattern: one, handle: change },
    {
      method: 'GET',
      pattern: `${one}/files`,
      async handle(call) {
        const { repository, pull } = pullOf(call, site, read);
        const from = await mergeBaseOf(repository, pull);
        const files = await objects.changes(repository.folder, from, pull.pull.headSha);
        const { items, headers } = pageOf(call, links, files);
        const body = items.map((file) => shapes.commits.fileChange(repository, pull.pull.headSha, file));
        return { status: 200, body, headers };
      },
    },
    {
      method: 'GET',
      pattern: `${one}/commits`,
      async handle(call) {
        const { repository, pull } = pullOf(call, site, read);
        const from = await mergeBaseOf(repository, pull);
        const commits = await objects.log(repository.folder, [pull.pull.headSha, `^${from}`], ['--reverse']);
        const { items, headers } = pageOf(call, links, commits);
        return { status: 200, body: items.map((item) => shapes.commits.commit(repository, item)), headers };
      },
    },
    {
      method: 'GET',
      pattern: `${one}/merge`,
      handle(call) {
        if (pullOf(call, site, read).pull.pull.mergedAtMs === null) throw notFound();
        return { status: 204 };
      },
    },
    {
      method: 'PUT',
      pattern: `${one}/merge`,
      async handle(call) {
        const { repository, pull } = pullOf(call, site, need('contents', 'write', 'write'));
        const body = createBodyReader(call.body);
        const sha = await merge(repository, pull, access.doer(call.actor), {
          method: body.oneOf('merge_method', ['merge', 'squash', 'rebase']) ?? 'merge',
          sha: body.text('sha'),
          title: body.text('commit_title'),
          message: body.text('commit_message'),
        });
        return { status: 200, body: { sha, merged: true, message: 'Pull Request successfully merged' } };
      },
    },
    {
      method: 'GET',
      pattern: `${one}/requested_reviewers`,
      handle(call) {
        const users = pullOf(call, site, read).pull.pull.requestedReviewers.map((reviewer) =>
          shapes.accounts.user(reviewer),
        );
        return { status: 200, body: { users, teams: [] } };
      },
    },
    { method: 'POST', pattern: `${one}/requested_reviewers`, handle: (call) => changeReviewers(call, 'add') },
    {
      method: 'DELETE',
      pattern: `${one}/requested_reviewers`,
      handle: (call) => changeReviewers(call, 'remove'),
    },
  ];
}

/** The pull request of the route's `number`; its author may do what needs triage rights of others. */
export function pullOf(
  call: Call,
  site: Pick<Site, 'access'>,
  wanted: Need,
): { repository: Repository; pull: Pull } {
  const repository = site.access.visibleRepository(call);
  const pull = asPull(repository.issues.get(Number(param(call, 'number'))));
  if (!pull) throw notFound();
  const isAuthor = call.actor.kind === 'user' && call.actor.account === pull.author;
  const role = isAuthor && wanted.role === 'triage' ? 'read' : wanted.role;
  site.access.check(call.actor, repository, { ...wanted, role });
  return { repository, pull };
}

/** Reading a public repository makes nobody its collaborator. */
function isCollaborator(repository: Repository, account: Account): boolean {
  return hasRole(repository, account, 'triage') || (repository.roles.get(account.id) ?? 'none') !== 'none';
}

function sameText(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
