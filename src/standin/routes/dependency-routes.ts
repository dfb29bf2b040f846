import { issueNeed } from '../access/access.ts';
import { notFound, validationFailed } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';
import type { IssuePlace } from '../world.ts';

/** Which issues block which, and which are parts of one; GitHub's events `issue_dependencies` and `sub_issues` are not sent. */
export function dependencyRoutes(
  site: Pick<Site, 'world' | 'links' | 'shapes' | 'access' | 'issues'>,
): Route[] {
  const { world, links, shapes, access, issues } = site;

  function page(call: Call, places: readonly IssuePlace[]): Reply {
    const { items, headers } = pageOf(call, links, [...places]);
    return { status: 200, body: items.map((one) => shapes.issues.issue(one.repository, one.issue)), headers };
  }

  function blockerOf(id: number): IssuePlace {
    for (const repository of world.repositories.values()) {
      const issue = [...repository.issues.values()].find((one) => one.id === id);
      if (issue) return { repository, issue };
    }
    throw notFound();
  }

  function add(call: Call): Reply {
    const blocked = access.issue(call, (one) => issueNeed(one, 'write', 'triage'));
    const id = createBodyReader(call.body).integer('issue_id');
    if (id === undefined || id === blocked.issue.id)
      throw validationFailed({ resource: 'IssueDependency', field: 'issue_id', code: 'invalid' });
    issues.block(blocked, blockerOf(id));
    return { status: 201, body: shapes.issues.issue(blocked.repository, blocked.issue) };
  }

  function remove(call: Call): Reply {
    const blocked = access.issue(call, (one) => issueNeed(one, 'write', 'triage'));
    issues.unblock(blocked, blockerOf(Number(param(call, 'blocker'))));
    return { status: 200, body: shapes.issues.issue(blocked.repository, blocked.issue) };
  }

  const one = '/repos/:owner/:repo/issues/#number/dependencies';
  return [
    {
      method: 'GET',
      pattern: `${one}/blocked_by`,
      handle: (call) =>
        page(call, access.issue(call, (found) => issueNeed(found, 'read', 'read')).issue.blockedBy),
    },
    {
      method: 'GET',
      pattern: `${one}/blocking`,
      handle: (call) =>
        page(call, access.issue(call, (found) => issueNeed(found, 'read', 'read')).issue.blocking),
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/issues/#number/sub_issues',
      handle: (call) =>
        page(call, access.issue(call, (found) => issueNeed(found, 'read', 'read')).issue.subIssues),
    },
    { method: 'POST', pattern: `${one}/blocked_by`, handle: add },
    { method: 'DELETE', pattern: `${one}/blocked_by/#blocker`, handle: remove },
  ];
}
