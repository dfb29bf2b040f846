import { issueNeed } from '../access/access.ts';
import { notFound } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';
import { issueOf } from '../actions/issues.ts';
import { wantsHtml } from '../website/attachments.ts';
import type { Issue, IssueComment, Repository } from '../world.ts';

/** Comments on issues and in pull requests' conversations. */
export function commentRoutes(
  site: Pick<Site, 'links' | 'shapes' | 'access' | 'comments' | 'attachments'>,
): Route[] {
  const { links, shapes, access, comments, attachments } = site;

  type Found = { repository: Repository; issue: Issue; comment: IssueComment };

  /** The comment of the route, when the actor may do this to it: authors may change their own. */
  function commentOf(call: Call, level: 'read' | 'write'): Found {
    const repository = access.visibleRepository(call);
    const comment = repository.comments.get(Number(param(call, 'comment')));
    if (!comment) throw notFound();
    const issue = issueOf(repository, comment.issueNumber);
    const isAuthor = call.actor.kind === 'user' && call.actor.account === comment.author;
    access.check(
      call.actor,
      repository,
      issueNeed(issue, level, level === 'read' || isAuthor ? 'read' : 'write'),
    );
    return { repository, issue, comment };
  }

  function answer({ repository, issue, comment }: Found, status = 200): Reply {
    return { status, body: shapes.issues.comment(repository, issue, comment) };
  }

  function page(call: Call, repository: Repository, found: IssueComment[]): Reply {
    const { items, headers } = pageOf(call, links, found);
    const body = items.map((comment) => ({
      ...shapes.issues.comment(repository, issueOf(repository, comment.issueNumber), comment),
      ...(wantsHtml(call.headers) ? { body_html: attachments.toHtml(comment.body) } : {}),
    }));
    return { status: 200, body, headers };
  }

  const ofIssue = '/repos/:owner/:repo/issues/#number/comments';
  const one = '/repos/:owner/:repo/issues/comments/#comment';
  return [
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/issues/comments',
      handle(call) {
        const repository = access.repository(call, {
          permissions: [{ issues: 'read' }, { pull_requests: 'read' }],
          role: 'read',
        });
        const found = [...repository.comments.values()].filter((comment) => isSince(comment, call.query));
        return page(call, repository, sorted(found, call.query));
      },
    },
    {
      method: 'GET',
      pattern: ofIssue,
      handle(call) {
        const { repository, issue } = access.issue(call, (item) => issueNeed(item, 'read', 'read'));
        const found = [...repository.comments.values()].filter(
          (comment) => comment.issueNumber === issue.number && isSince(comment, call.query),
        );
        return page(call, repository, found);
      },
    },
    {
      method: 'POST',
      pattern: ofIssue,
      handle(call) {
        const { repository, issue } = access.issue(call, (item) => issueNeed(item, 'write', 'read'));
        const body = createBodyReader(call.body).requiredText('body');
        const comment = comments.create(repository, issue, access.doer(call.actor), body);
        const reply = answer({ repository, issue, comment }, 201);
        return { ...reply, headers: { location: shapes.issues.comment(repository, issue, comment).url } };
      },
    },
    { method: 'GET', pattern: one, handle: (call) => answer(commentOf(call, 'read')) },
    {
      method: 'PATCH',
      pattern: one,
      handle(call) {
        const found = commentOf(call, 'write');
        const body = createBodyReader(call.body).requiredText('body');
        comments.edit(found.repository, found.issue, found.comment, access.doer(call.actor), body);
        return answer(found);
      },
    },
    {
      method: 'DELETE',
      pattern: one,
      handle(call) {
        const { repository, issue, comment } = commentOf(call, 'write');
        comments.remove(repository, issue, comment, access.doer(call.actor));
        return { status: 204 };
      },
    },
  ];
}

function isSince(comment: IssueComment, query: URLSearchParams): boolean {
  return !(comment.updatedAtMs < Date.parse(query.get('since') ?? ''));
}

/** By ascending id unless asked otherwise; the direction counts only together with `sort`. */
function sorted(comments: IssueComment[], query: URLSearchParams): IssueComment[] {
  const sort = query.get('sort');
  if (sort === null) return comments;
  const key = sort === 'updated' ? 'updatedAtMs' : 'createdAtMs';
  const sign = query.get('direction') === 'desc' ? -1 : 1;
  return comments.sort((a, b) => sign * (a[key] - b[key] || a.id - b.id));
}
