import { checkRequest } from './github-contract/check-request.ts';
import { checkResponse } from './github-contract/check-response.ts';
import { createOperationFinder } from './github-contract/find-operation.ts';
import { createGraphqlCheck } from './github-contract/graphql-check.ts';
import { createSchemaCheck } from './github-contract/schema-check.ts';
import { readRestSlice, readWebhookSlice } from './github-contract/slices.ts';
import { checkSentByGitHub, checkWebhookEnvelope } from './github-contract/unwritten-rules.ts';

/** One request and its answer, as a GitHub stand-in has seen them. */
export type Exchange = {
  method: string;
  /** With query, without the `/api/v3` prefix. */
  path: string;
  /** Names in lower case. */
  requestHeaders: Record<string, string>;
  requestBody: unknown;
  status: number;
  /** Names in lower case. */
  responseHeaders: Record<string, string>;
  responseBody: unknown;
  actor: string;
};

/** One webhook as it was sent; its signature is not judged here. */
export type SentWebhook = { event: string; action?: string; guid: string; payload: unknown };

/** Each call returns problem texts that name operation, field and reason; `[]` means that all fits. */
export type GitHubContract = {
  checkExchange(exchange: Exchange): string[];
  checkWebhook(webhook: SentWebhook): string[];
};

/**
 * Holds exchanges and webhooks against GitHub's own published descriptions, cut to the operations and events that a
 * GitHub App for issues and pull requests needs, plus the few rules that schemas cannot show.
 *
 * A request that breaks the description is a problem unless the answer was the refusal it deserved (400, 404, 422),
 * so tests of refusals stay clean. Misspelt fields and unknown queries are always one, because GitHub ignores them.
 *
 * Not for git over HTTP and web pages, which are no operations: callers leave those out.
 * Schemas are compiled when first needed, so keep one contract for many tests.
 */
export function createGitHubContract(): GitHubContract {
  const rest = readRestSlice();
  const webhooks = readWebhookSlice();
  const findOperation = createOperationFinder(rest);
  const restCheck = createSchemaCheck(rest.schemas);
  const graphqlCheck = createGraphqlCheck();
  const webhookCheck = createSchemaCheck(webhooks.schemas);

  return {
    checkExchange(exchange) {
      const method = exchange.method.toUpperCase();
      const url = new URL(exchange.path, 'http://github.invalid');
      const path = toDescribedPath(url.pathname);
      if (path === '/graphql')
        return graphqlCheck(exchange.requestBody, exchange.responseBody, exchange.status).map(
          (problem) => `GraphQL: ${problem}`,
        );
      const found = findOperation(method === 'HEAD' ? 'GET' : method, path);
      if (found === undefined)
        return [`${method} ${url.pathname}: no such operation in GitHub's description`];

      const { status, requestHeaders, requestBody, responseBody } = exchange;
      const request = { query: url.searchParams, body: requestBody, status };
      const answer = { method, path, accept: requestHeaders.accept ?? '', status, body: responseBody };
      return [
        ...checkRequest(found, request, rest.schemas, restCheck),
        ...checkResponse(found.operation, answer, restCheck),
      ].map((problem) => `${found.name} (${found.operation.id}) → ${status}: ${problem}`);
    },

    checkWebhook({ event, action, guid, payload }) {
      const name = action === undefined ? event : `${event}.${action}`;
      const schema = webhooks.events[name];
      if (schema === undefined) return [`webhook ${name}: no such event in GitHub's description`];

      const problems = [
        ...webhookCheck.check(schema, payload),
        ...checkSentByGitHub(payload),
        ...checkWebhookEnvelope(event, action, payload),
      ].map((problem) => `webhook ${name}: payload ${problem}`);
      if (!isUuid(guid)) problems.push(`webhook ${name}: guid ${JSON.stringify(guid)} must be a UUID`);
      return problems;
    },
  };
}

/**
 * GitHub answers every path of a repository by the repository's id as well, and sends clients of renamed
 * repositories there, but describes these paths nowhere: they are judged as those by name.
 */
function toDescribedPath(path: string): string {
  return path.replace(/^\/repositories\/\d+(?=\/|$)/, '/repos/by-id/by-id');
}

function isUuid(text: string): boolean {
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text);
}
