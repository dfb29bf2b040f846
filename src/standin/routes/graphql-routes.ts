import { openPulls } from '../actions/pulls.ts';
import { closingNumbers } from '../actions/closing-numbers.ts';
import { authorAssociation } from '../shapes/account-shapes.ts';
import type { Call, Reply, Route } from '../http/router.ts';
import type { Site } from '../site.ts';

/** The one question of GraphQL's that the stand-in can answer: which open pull requests would close an issue. */
export function graphqlRoutes({ world, access, links }: Pick<Site, 'world' | 'access' | 'links'>): Route[] {
  function answer(call: Call): Reply {
    const { query, variables } = readQuestion(call.body);
    if (!query.includes('closedByPullRequestsReferences'))
      return refuse('undefinedField', [], 'The stand-in can’t answer this query');
    const fullName = `${String(variables.owner)}/${String(variables.repo)}`;
    const repository = world.repository(fullName);
    if (!repository || !access.maySee(call.actor, repository)) {
      const message = `Could not resolve to a Repository with the name '${fullName}'.`;
      return refuse('NOT_FOUND', ['repository'], message, { repository: null });
    }
    const issue = repository.issues.get(Number(variables.number));
    if (!issue || issue.pull) {
      const message = `Could not resolve to an Issue with the number of ${String(variables.number)}.`;
      return refuse('NOT_FOUND', ['repository', 'issue'], message, { repository: { issue: null } });
    }
    const nodes = openPulls(repository)
      .filter(
        (pull) =>
          pull.pull.base === repository.defaultBranch &&
          closingNumbers(pull.body ?? '').includes(issue.number),
      )
      .map((pull) => ({
        number: pull.number,
        url: `${links.web}/${fullName}/pull/${pull.number}`,
        state: 'OPEN',
        // Bots bear no suffix here.
        author: { login: pull.author.login.replace(/\[bot\]$/, '') },
        authorAssociation: authorAssociation(repository, pull.author),
      }));
    const connection = page(nodes, query, variables);
    const data = { repository: { issue: { closedByPullRequestsReferences: connection } } };
    return { status: 200, body: { data } };
  }

  return [{ method: 'POST', pattern: '/graphql', handle: answer }];
}

/** Cursors are positions, counted from 1. */
function page<Node>(nodes: readonly Node[], query: string, { after }: Record<string, unknown>) {
  const count = Number(/\bfirst: (\d+)/.exec(query)?.[1] ?? 100);
  const from = typeof after === 'string' ? Number(after) : 0;
  const end = Math.min(nodes.length, from + count);
  const endCursor = end > from ? String(end) : null;
  return { nodes: nodes.slice(from, end), pageInfo: { hasNextPage: end < nodes.length, endCursor } };
}

function readQuestion(body: unknown): { query: string; variables: Record<string, unknown> } {
  const given = typeof body === 'object' && body !== null ? body : {};
  const query = 'query' in given && typeof given.query === 'string' ? given.query : '';
  const variables =
    'variables' in given && typeof given.variables === 'object' && given.variables !== null
      ? given.variables
      : {};
  return { query, variables: { ...variables } };
}

/** GraphQL's refusals come with status 200. */
function refuse(type: string, path: string[], message: string, data?: unknown): Reply {
  return {
    status: 200,
    body: { ...(data === undefined ? {} : { data }), errors: [{ type, path, message }] },
  };
}
