import type { Doer } from '../access/actor.ts';
import { asPull } from '../shapes/pull-shapes.ts';
import type { Shapes } from '../shapes/shapes.ts';
import type { Events } from '../webhooks/events.ts';
import type { Issue, Repository } from '../world.ts';

/**
 * Sends `issues.<action>`, or `pull_request.<action>` when the item is a pull request: GitHub never sends
 * `issues` for those.
 */
export function createIssueAnnouncer(deps: { shapes: Shapes; events: Events }) {
  const { shapes, events } = deps;

  return async function announceIssue(
    repository: Repository,
    issue: Issue,
    action: string,
    by: Doer,
    extra: Record<string, unknown> = {},
  ): Promise<void> {
    const pull = asPull(issue);
    if (pull) {
      const body = { number: pull.number, pull_request: await shapes.pulls.pull(repository, pull), ...extra };
      events.inRepository(repository, 'pull_request', action, by.account, body);
    } else {
      const body = { issue: shapes.issues.issue(repository, issue), ...extra };
      events.inRepository(repository, 'issues', action, by.account, body);
    }
  };
}

export type AnnounceIssue = ReturnType<typeof createIssueAnnouncer>;
