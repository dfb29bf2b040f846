import { issueNeed, need } from '../access/access.ts';
import { ApiError, validationFailed } from '../http/api-error.ts';
import { createBodyReader, type BodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';
import { wantsHtml } from '../website/attachments.ts';
import { hasRole, type Account, type Issue, type Repository } from '../world.ts';

/** Issues, and pull requests as far as they are issues: list, open, read, change, lock, assign. */
export function issueRoutes(
  site: Pick<Site, 'world' | 'links' | 'shapes' | 'access' | 'issues' | 'attachments'>,
): Route[] {
  const { world, links, shapes, access, issues, attachments } = site;

  /** By its author or by somebody with triage rights. */
  function authorOr(call: Call, role: 'triage' | 'write') {
    return (issue: Issue) => {
      const isAuthor = call.actor.kind === 'user' && call.actor.account === issue.author;
      return issueNeed(issue, 'write', isAuthor ? 'read' : role);
    };
  }

  function answer(repository: Repository, issue: Issue, status = 200): Reply {
    return { status, body: shapes.issues.issue(repository, issue) };
  }

  function accounts(logins: readonly string[]): Account[] {
    return logins.map((login) => {
      const account = world.account(login);
      if (!account)
        throw validationFailed({ resource: 'Issue', field: 'assignees', code: 'invalid', value: login });
      return account;
    });
  }

  function list(call: Call): Reply {
    const repository = access.repository(call, {
      permissions: [{ issues: 'read' }, { pull_requests: 'read' }],
      role: 'read',
    });
    const found = [...repository.issues.values()].filter((issue) => fits(issue, call.query));
    const page = pageOf(call, links, sorted(found, call.query));
    return {
      status: 200,
      body: page.items.map((issue) => shapes.issues.issue(repository, issue)),
      headers: page.headers,
    };
  }

  async function open(call: Call): Promise<Reply> {
    const repository = access.repository(call, need('issues', 'write', 'read'));
    const body = createBodyReader(call.body);
    const by = access.doer(call.actor);
    const isTrusted = by.viaApp || hasRole(repository, by.account, 'triage');
    const issue = await issues.open(repository, by, {
      title: titleOf(body) ?? '',
      body: body.text('body') ?? null,
      // People without triage rights may name labels and assignees; GitHub drops them in silence.
      labels: isTrusted ? labelNames(body) : [],
      assignees: isTrusted ? accounts(body.texts('assignees') ?? []) : [],
    });
    return {
      ...answer(repository, issue, 201),
      headers: { location: shapes.issues.issue(repository, issue).url },
    };
  }

  async function change(call: Call): Promise<Reply> {
    const { repository, issue } = access.issue(call, authorOr(call, 'triage'));
    const body = createBodyReader(call.body);
    const by = access.doer(call.actor);
    const state = body.oneOf('state', ['open', 'closed']);
    const reason = body.oneOf('state_reason', ['completed', 'not_planned', 'duplicate', 'reopened']);
    await issues.edit(repository, issue, by, {
      title: titleOf(body),
      body: body.has('body') ? (body.text('body') ?? null) : undefined,
    });
    if (body.has('labels')) await issues.setLabels(repository, issue, by, labelNames(body));
    if (body.has('assignees')) {
      await issues.setAssignees(repository, issue, by, accounts(body.texts('assignees') ?? []));
    }
    if (state === 'closed') {
      await issues.close(repository, issue, by, reason === 'reopened' ? undefined : reason);
    }
    if (state === 'open') {
      if (issue.pull?.mergedAtMs)
        throw validationFailed({ resource: 'Issue', field: 'state', code: 'invalid' });
      await issues.reopen(repository, issue, by);
    }
    return answer(repository, issue);
  }

  async function assign(
    call: Call,
    next: (before: Account[], named: Account[]) => Account[],
  ): Promise<Reply> {
    const { repository, issue } = access.issue(call, (one) => issueNeed(one, 'write', 'triage'));
    const named = accounts(createBodyReader(call.body).texts('assignees') ?? []);
    await issues.setAssignees(repository, issue, access.doer(call.actor), next(issue.assignees, named));
    return answer(repository, issue);
  }

  async function setLocked(call: Call, locked: boolean): Promise<Reply> {
    const { repository, issue } = access.issue(call, (one) => issueNeed(one, 'write', 'write'));
    const reason = createBodyReader(call.body).oneOf('lock_reason', [
      'off-topic',
      'too heated',
      'resolved',
      'spam',
    ]);
    await issues.setLocked(repository, issue, access.doer(call.actor), locked, reason ?? null);
    return { status: 204 };
  }

  const one = '/repos/:owner/:repo/issues/#number';
  return [
    { method: 'GET', pattern: '/repos/:owner/:repo/issues', handle: list },
    { method: 'POST', pattern: '/repos/:owner/:repo/issues', handle: open },
    {
      method: 'GET',
      pattern: one,
      handle(call) {
        const { repository, issue } = access.issue(call, (found) => issueNeed(found, 'read', 'read'));
        const body = shapes.issues.issue(repository, issue);
        if (!wantsHtml(call.headers)) return { status: 200, body };
        return { status: 200, body: { ...body, body_html: attachments.toHtml(issue.body ?? '') } };
      },
    },
    {
      method: 'GET',
      pattern: `${one}/events`,
      handle(call) {
        const { repository, issue } = access.issue(call, (found) => issueNeed(found, 'read', 'read'));
        const { items, headers } = pageOf(call, links, issue.events);
        return { status: 200, body: items.map((event) => shapes.issues.event(repository, event)), headers };
      },
    },
    { method: 'PATCH', pattern: one, handle: change },
    { method: 'PUT', pattern: `${one}/lock`, handle: (call) => setLocked(call, true) },
    { method: 'DELETE', pattern: `${one}/lock`, handle: (call) => setLocked(call, false) },
    {
      method: 'POST',
      pattern: `${one}/assignees`,
      handle: async (call) => ({
        ...(await assign(call, (before, named) => [...before, ...named])),
        status: 201,
      }),
    },
    {
      method: 'DELETE',
      pattern: `${one}/assignees`,
      handle: (call) => assign(call, (before, named) => before.filter((account) => !named.includes(account))),
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/assignees/:login',
      handle(call) {
        const repository = access.repository(call, need('metadata', 'read', 'read'));
        const account = world.account(param(call, 'login'));
        if (!account || !hasRole(repository, account, 'write')) throw new ApiError(404, 'Not Found');
        return { status: 204 };
      },
    },
  ];
}

/** GitHub takes numbers as titles as well. */
function titleOf(body: BodyReader): string | undefined {
  return body.has('title') ? body.requiredText('title') : undefined;
}

/** Labels come as names or as objects that have one. */
export function labelNames(body: BodyReader): string[] {
  return (body.list('labels') ?? []).map((label) => {
    const name: unknown = typeof label === 'object' && label !== null && 'name' in label ? label.name : label;
    if (typeof name !== 'string' || name === '') {
      throw validationFailed({ resource: 'Label', field: 'name', code: 'invalid' });
    }
    return name;
  });
}

function fits(issue: Issue, query: URLSearchParams): boolean {
  const state = query.get('state') ?? 'open';
  const names = (query.get('labels') ?? '').split(',').filter(Boolean);
  const assignee = query.get('assignee');
  const since = Date.parse(query.get('since') ?? '');
  const creator = query.get('creator');
  return (
    (state === 'all' || issue.state === state) &&
    names.every((name) => issue.labels.some((label) => label.name.toLowerCase() === name.toLowerCase())) &&
    (assignee === null ||
      assignee === '*' ||
      (assignee === 'none'
        ? issue.assignees.length === 0
        : issue.assignees.some((a) => a.login === assignee))) &&
    (creator === null || issue.author.login === creator) &&
    !(issue.updatedAtMs < since)
  );
}

function sorted(issues: Issue[], query: URLSearchParams): Issue[] {
  const key = query.get('sort') === 'updated' ? 'updatedAtMs' : 'createdAtMs';
  const sign = query.get('direction') === 'asc' ? 1 : -1;
  return issues.sort((a, b) => sign * (a[key] - b[key] || a.number - b.number));
}
