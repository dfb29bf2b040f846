import { createOperationFinder, type FoundOperation } from './github-contract/find-operation.ts';
import { isRecord } from './github-contract/is-record.ts';
import { createSchemaCheck, type SchemaCheck } from './github-contract/schema-check.ts';
import { readRestSlice, readWebhookSlice, type Schema } from './github-contract/slices.ts';
import { isUndescribedStatus } from './github-contract/undescribed-statuses.ts';
import { findUnknownFields } from './github-contract/unknown-fields.ts';
import { checkCheckRunRequest, checkSentByGitHub } from './github-contract/unwritten-rules.ts';

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

type Problem = {
  text: string;
  /** Statuses with which GitHub rightly refuses such a request. */ refusedWith?: number[];
};

const NO_ACTIONS: Schema = {};

/** Events about the App or a person, which belong to no installation. */
const WITHOUT_INSTALLATION = ['ping', 'github_app_authorization'];

/**
 * Holds exchanges and webhooks against GitHub's own published descriptions, cut to the operations and events that a
 * GitHub App for issues and pull requests needs, plus the few rules that schemas cannot show.
 *
 * A request that breaks the schema is a problem unless GitHub's answer was the refusal that it deserved (400, 404,
 * 422), so tests of refusals stay clean. Misspelt fields and unknown queries are always one: GitHub ignores them.
 *
 * The slices are read at once; schemas are compiled when first needed, so keep one contract for many tests.
 */
export function createGitHubContract(): GitHubContract {
  const rest = readRestSlice();
  const webhooks = readWebhookSlice();
  const findOperation = createOperationFinder(rest);
  const restCheck = createSchemaCheck(rest.schemas);
  const webhookCheck = createSchemaCheck(webhooks.schemas);

  function checkExchange(exchange: Exchange): string[] {
    const method = exchange.method.toUpperCase();
    const url = new URL(exchange.path, 'http://github.invalid');
    const path = toDescribedPath(url.pathname);
    const found = findOperation(method === 'HEAD' ? 'GET' : method, path);
    if (found === undefined) return [`${method} ${url.pathname}: no such operation in GitHub's description`];

    const requestProblems = [
      ...checkParameters(found, url.searchParams, restCheck),
      ...checkRequestBody(found, exchange.requestBody),
    ].filter(({ refusedWith = [] }) => !refusedWith.includes(exchange.status));
    const texts = [
      ...requestProblems.map(({ text }) => text),
      ...checkResponse(found, exchange, method, path),
    ];
    return texts.map((text) => `${found.name} (${found.operation.id}) ${exchange.status}: ${text}`);
  }

  function checkRequestBody({ name, operation }: FoundOperation, body: unknown): Problem[] {
    const refusedWith = [400, 422];
    if (isEmpty(body)) {
      return operation.body?.required === true ? [{ text: 'request body is required', refusedWith }] : [];
    }
    if (operation.body === undefined) {
      const isHarmless = isRecord(body) && Object.keys(body).length === 0;
      return isHarmless ? [] : [{ text: 'request has a body, the operation takes none' }];
    }
    const { schema } = operation.body;
    const unknown = findUnknownFields(rest.schemas, schema, body).map((field) => ({
      text: `request body ${field} is no field of this operation`,
    }));
    const wrong = [
      ...restCheck.check(schema, body),
      ...(/\/check-runs(\/\{check_run_id\})?$/.test(name) ? checkCheckRunRequest(body) : []),
    ];
    return [...unknown, ...wrong.map((problem) => ({ text: `request body ${problem}`, refusedWith }))];
  }

  function checkResponse(
    { operation }: FoundOperation,
    exchange: Exchange,
    method: string,
    path: string,
  ): string[] {
    const { status, responseBody: body } = exchange;
    const described = operation.responses[String(status)];
    if (described === undefined && !isUndescribedStatus(status, method, path)) {
      return [`${status} is not a described answer (${Object.keys(operation.responses).join(', ')})`];
    }
    if (method === 'HEAD') return [];
    if (status === 304) return isEmpty(body) ? [] : ['304 must have no body'];

    const problems = status >= 400 && status < 500 ? checkErrorBody(body) : [];
    const schema = chooseSchema(described ?? {}, exchange);
    if (schema === 'text') return typeof body === 'string' ? problems : ['response body must be text'];
    if (schema !== undefined) {
      problems.push(...restCheck.check(schema, body).map((problem) => `response body ${problem}`));
    } else if (status < 300 && !isEmpty(body)) {
      problems.push('response must have no body');
    }
    problems.push(...checkSentByGitHub(body).map((problem) => `response body ${problem}`));
    return problems;
  }

  function checkWebhook({ event, action, guid, payload }: SentWebhook): string[] {
    const name = action === undefined ? event : `${event}.${action}`;
    const schema = webhooks.events[name] ?? NO_ACTIONS;
    if (schema === NO_ACTIONS) return [`webhook ${name}: no such event in GitHub's description`];
    const problems = [
      ...webhookCheck.check(schema, payload),
      ...checkSentByGitHub(payload),
      ...checkEnvelope(event, action, payload),
    ].map((problem) => `payload ${problem}`);
    if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(guid)) problems.push(`guid ${guid} must be a UUID`);
    return problems.map((problem) => `webhook ${name}: ${problem}`);
  }

  return { checkExchange, checkWebhook };
}

/**
 * GitHub answers every repository path by the repository's id as well, and sends clients of renamed repositories
 * there, but describes these paths nowhere.
 */
function toDescribedPath(path: string): string {
  return path.replace(/^\/repositories\/\d+(?=\/|$)/, '/repos/by-id/by-id');
}

function checkParameters(
  { operation, parameters }: FoundOperation,
  query: URLSearchParams,
  check: SchemaCheck,
): Problem[] {
  const problems: Problem[] = [];
  if (operation.path !== undefined) {
    const wrong = check.checkText(operation.path, parameters);
    problems.push(
      ...wrong.map((problem) => ({ text: `path parameter ${problem}`, refusedWith: [404, 422] })),
    );
  }
  const properties = isRecord(operation.query?.properties) ? operation.query.properties : {};
  const known: Record<string, string> = {};
  for (const [name, value] of query) {
    if (name in properties) known[name] = value;
    else problems.push({ text: `query parameter '${name}' does not exist` });
  }
  if (operation.query !== undefined) {
    const wrong = check.checkText(operation.query, known);
    problems.push(
      ...wrong.map((problem) => ({ text: `query parameter ${problem}`, refusedWith: [404, 422] })),
    );
  }
  return problems;
}

function checkErrorBody(body: unknown): string[] {
  return isRecord(body) && typeof body.message === 'string' && body.message !== ''
    ? []
    : ["response body must have a 'message': it tells of an error"];
}

/** The schema for the media type that was asked for; 'text' for raw files, diffs and patches, which have none. */
function chooseSchema(content: Record<string, Schema>, exchange: Exchange): Schema | 'text' | undefined {
  const accept = exchange.requestHeaders.accept ?? '';
  if (exchange.status < 300 && /github\.(\w+\.)?(raw|diff|patch|sha|html)\b(?!\+json)/.test(accept))
    return 'text';
  if (accept.includes('github.object'))
    return content['application/vnd.github.object'] ?? content['application/json'];
  return content['application/json'] ?? Object.values(content)[0];
}

/** What every webhook of an App carries, though the schemas leave it open. */
function checkEnvelope(event: string, action: string | undefined, payload: unknown): string[] {
  if (!isRecord(payload)) return [];
  const problems: string[] = [];
  if (action !== undefined && payload.action !== action) problems.push(`.action must be '${action}'`);
  const { installation } = payload;
  const needsInstallation = !WITHOUT_INSTALLATION.includes(event);
  if (needsInstallation && !(isRecord(installation) && Number.isInteger(installation.id))) {
    problems.push(".installation must have 'id': it is sent to an App");
  }
  return problems;
}

function isEmpty(body: unknown): boolean {
  return body === undefined || body === null || body === '';
}
