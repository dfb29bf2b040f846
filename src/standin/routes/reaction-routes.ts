import { issueOf } from '../actions/issues.ts';
import { issueNeed, need } from '../access/access.ts';
import { ApiError, notFound } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import type { Site } from '../site.ts';
import { reactionContents, type Reaction } from '../world.ts';

/** Reactions to issues, to their comments, and to comments on lines. */
export function reactionRoutes(site: Pick<Site, 'links' | 'shapes' | 'access' | 'reactions'>): Route[] {
  const { links, shapes, access, reactions } = site;

  type Target = { reactions: Reaction[] };
  type Find = (call: Call, level: 'read' | 'write') => Target;

  function issueTarget(call: Call, level: 'read' | 'write'): Target {
    return access.issue(call, (issue) => issueNeed(issue, level, 'read')).issue;
  }

  function commentTarget(call: Call, level: 'read' | 'write'): Target {
    const repository = access.visibleRepository(call);
    const comment = repository.comments.get(Number(param(call, 'comment')));
    if (!comment) throw notFound();
    const issue = issueOf(repository, comment.issueNumber);
    access.check(call.actor, repository, issueNeed(issue, level, 'read'));
    return comment;
  }

  function reviewCommentTarget(call: Call, level: 'read' | 'write'): Target {
    const repository = access.repository(call, need('pull_requests', level, 'read'));
    const comment = repository.reviewComments.get(Number(param(call, 'comment')));
    if (!comment) throw notFound();
    return comment;
  }

  function list(call: Call, find: Find): Reply {
    const content = call.query.get('content');
    const found = find(call, 'read').reactions.filter((one) => content === null || one.content === content);
    const { items, headers } = pageOf(call, links, found);
    return { status: 200, body: items.map((one) => shapes.issues.reaction(one)), headers };
  }

  function add(call: Call, find: Find): Reply {
    const target = find(call, 'write');
    const body = createBodyReader(call.body);
    const content = body.oneOf('content', reactionContents);
    if (content === undefined) throw body.missing('content');
    const { reaction, isNew } = reactions.add(target, access.doer(call.actor), content);
    return { status: isNew ? 201 : 200, body: shapes.issues.reaction(reaction) };
  }

  function remove(call: Call, find: Find): Reply {
    const target = find(call, 'write');
    const id = Number(param(call, 'reaction'));
    const reaction = target.reactions.find((one) => one.id === id);
    if (!reaction) throw notFound();
    if (reaction.user !== access.doer(call.actor).account) {
      throw new ApiError(403, 'Must be the author of the reaction to delete it.');
    }
    target.reactions = target.reactions.filter((one) => one !== reaction);
    return { status: 204 };
  }

  return (
    [
      ['/repos/:owner/:repo/issues/#number/reactions', issueTarget],
      ['/repos/:owner/:repo/issues/comments/#comment/reactions', commentTarget],
      ['/repos/:owner/:repo/pulls/comments/#comment/reactions', reviewCommentTarget],
    ] as const
  ).flatMap(([pattern, find]): Route[] => [
    { method: 'GET', pattern, handle: (call) => list(call, find) },
    { method: 'POST', pattern, handle: (call) => add(call, find) },
    { method: 'DELETE', pattern: `${pattern}/#reaction`, handle: (call) => remove(call, find) },
  ]);
}
