import { issueNeed, type Need } from '../access/access.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';
import type { Issue, Label, Repository } from '../world.ts';
import { labelNames } from './issue-routes.ts';

/** Labels of a repository, and labels on an issue or pull request. */
export function labelRoutes(site: Pick<Site, 'links' | 'shapes' | 'access' | 'labels' | 'issues'>): Route[] {
  const { links, shapes, access, labels, issues } = site;
  const read: Need = { permissions: [{ issues: 'read' }, { pull_requests: 'read' }], role: 'read' };
  const write: Need = { permissions: [{ issues: 'write' }, { pull_requests: 'write' }], role: 'write' };

  function page(call: Call, repository: Repository, found: Label[]): Reply {
    const { items, headers } = pageOf(call, links, found);
    return { status: 200, body: items.map((one) => shapes.repositories.label(repository, one)), headers };
  }

  function answer(repository: Repository, label: Label, status = 200): Reply {
    return { status, body: shapes.repositories.label(repository, label) };
  }

  function ofIssue(repository: Repository, issue: Issue): Reply {
    return { status: 200, body: issue.labels.map((one) => shapes.repositories.label(repository, one)) };
  }

  /** Changes the labels of the route's issue, and answers with all it has afterwards. */
  async function changeIssue(
    call: Call,
    change: (found: { repository: Repository; issue: Issue; names: string[] }) => Promise<void>,
  ): Promise<Reply> {
    const { repository, issue } = access.issue(call, (one) => issueNeed(one, 'write', 'triage'));
    await change({ repository, issue, names: labelNames(createBodyReader(call.body)) });
    return ofIssue(repository, issue);
  }

  const one = '/repos/:owner/:repo/labels/:name';
  const onIssue = '/repos/:owner/:repo/issues/#number/labels';
  return [
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/labels',
      handle(call) {
        const repository = access.repository(call, read);
        return page(call, repository, repository.labels);
      },
    },
    {
      method: 'POST',
      pattern: '/repos/:owner/:repo/labels',
      handle(call) {
        const repository = access.repository(call, write);
        const body = createBodyReader(call.body);
        const label = labels.create(repository, access.doer(call.actor), {
          name: body.requiredText('name'),
          color: body.text('color'),
          description: body.text('description'),
        });
        const reply = answer(repository, label, 201);
        return { ...reply, headers: { location: shapes.repositories.label(repository, label).url } };
      },
    },
    {
      method: 'GET',
      pattern: one,
      handle(call) {
        const repository = access.repository(call, read);
        return answer(repository, labels.get(repository, param(call, 'name')));
      },
    },
    {
      method: 'PATCH',
      pattern: one,
      handle(call) {
        const repository = access.repository(call, write);
        const label = labels.get(repository, param(call, 'name'));
        const body = createBodyReader(call.body);
        labels.edit(repository, label, access.doer(call.actor), {
          name: body.text('new_name'),
          color: body.text('color'),
          description: body.text('description'),
        });
        return answer(repository, label);
      },
    },
    {
      method: 'DELETE',
      pattern: one,
      handle(call) {
        const repository = access.repository(call, write);
        labels.remove(repository, labels.get(repository, param(call, 'name')), access.doer(call.actor));
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      pattern: onIssue,
      handle(call) {
        const { repository, issue } = access.issue(call, (item) => issueNeed(item, 'read', 'read'));
        return page(call, repository, issue.labels);
      },
    },
    {
      method: 'POST',
      pattern: onIssue,
      handle: (call) =>
        changeIssue(call, ({ repository, issue, names }) =>
          issues.addLabels(repository, issue, access.doer(call.actor), names),
        ),
    },
    {
      method: 'PUT',
      pattern: onIssue,
      handle: (call) =>
        changeIssue(call, ({ repository, issue, names }) =>
          issues.setLabels(repository, issue, access.doer(call.actor), names),
        ),
    },
    {
      method: 'DELETE',
      pattern: onIssue,
      async handle(call) {
        await changeIssue(call, ({ repository, issue }) =>
          issues.setLabels(repository, issue, access.doer(call.actor), []),
        );
        return { status: 204 };
      },
    },
    {
      method: 'DELETE',
      pattern: `${onIssue}/:name`,
      handle: (call) =>
        changeIssue(call, ({ repository, issue }) =>
          issues.removeLabel(repository, issue, access.doer(call.actor), param(call, 'name')),
        ),
    },
  ];
}
