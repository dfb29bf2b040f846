import type { Doer } from '../access/actor.ts';
import { ApiError, validationFailed } from '../http/api-error.ts';
import { characterCount } from '../http/character-count.ts';
import type { Shapes } from '../shapes/shapes.ts';
import type { Events } from '../webhooks/events.ts';
import { hasRole, type Issue, type IssueComment, type Repository, type World } from '../world.ts';

const longestBody = 65_536;

/** Comments on issues, and in the conversation of pull requests. */
export function createCommentActions(deps: {
  world: World;
  clock: { nowMs(): number };
  shapes: Shapes;
  events: Events;
}) {
  const { world, clock, shapes, events } = deps;

  /** Throws 403 on a locked issue unless a person with write access comments; Apps are kept out as well. */
  function create(repository: Repository, issue: Issue, by: Doer, body: string): IssueComment {
    if (issue.locked && (by.viaApp || !hasRole(repository, by.account, 'write'))) {
      throw new ApiError(403, 'Unable to create comment because issue is locked.');
    }
    checkBody(body);
    const now = clock.nowMs();
    const comment: IssueComment = {
      id: world.newId('comment'),
      issueNumber: issue.number,
      body,
      author: by.account,
      viaApp: by.viaApp,
      reactions: [],
      createdAtMs: now,
      updatedAtMs: now,
    };
    repository.comments.set(comment.id, comment);
    issue.updatedAtMs = now;
    announce(repository, issue, comment, 'created', by);
    return comment;
  }

  function edit(repository: Repository, issue: Issue, comment: IssueComment, by: Doer, body: string): void {
    checkBody(body);
    const from = comment.body;
    comment.body = body;
    comment.updatedAtMs = clock.nowMs();
    announce(repository, issue, comment, 'edited', by, { changes: { body: { from } } });
  }

  function remove(repository: Repository, issue: Issue, comment: IssueComment, by: Doer): void {
    repository.comments.delete(comment.id);
    announce(repository, issue, comment, 'deleted', by);
  }

  function announce(
    repository: Repository,
    issue: Issue,
    comment: IssueComment,
    action: string,
    by: Doer,
    extra: Record<string, unknown> = {},
  ): void {
    events.inRepository(repository, 'issue_comment', action, by.account, {
      ...extra,
      issue: shapes.issues.issue(repository, issue),
      comment: shapes.issues.comment(repository, issue, comment),
    });
  }

  return { create, edit, remove };
}

export type CommentActions = ReturnType<typeof createCommentActions>;

function checkBody(body: string): void {
  if (body.trim() === '') {
    throw validationFailed({ resource: 'IssueComment', field: 'body', code: 'missing_field' });
  }
  if (characterCount(body) > longestBody) {
    throw validationFailed({
      resource: 'IssueComment',
      field: 'data',
      code: 'unprocessable',
      message: `Body is too long (maximum is ${longestBody} characters)`,
    });
  }
}
