import { isRecord } from './is-record.ts';
import type { SchemaCheck } from './schema-check.ts';
import type { Operation, Schema } from './slices.ts';
import { isUndescribedStatus } from './undescribed-statuses.ts';
import { checkSentByGitHub } from './unwritten-rules.ts';

type Answer = {
  /** In upper case. */
  method: string;
  /** Without query. */
  path: string;
  /** The request's `Accept` header, '' without one. */
  accept: string;
  status: number;
  body: unknown;
};

/** Media types that answer with plain text: raw files, diffs, patches, bare hashes. */
const TEXT_MEDIA = /github\.(?:\w+\.)?(?:raw|diff|patch|sha|html)(?![\w+])/;
const OBJECT_MEDIA = 'application/vnd.github.object';

/** Problems of an answer: its status, its body, and what no schema shows. */
export function checkResponse(operation: Operation, answer: Answer, schemaCheck: SchemaCheck): string[] {
  const { method, path, status, body } = answer;
  const content = operation.responses[String(status)];
  if (content === undefined && !isUndescribedStatus(status, method, path)) {
    return [`${status} is not a described answer (${Object.keys(operation.responses).join(', ')} are)`];
  }
  // A gateway in front of GitHub answers for an ill one, in HTML or not at all.
  if (method === 'HEAD' || status >= 500) return [];
  if (status >= 300 && status < 400) return checkRedirect(status, body);
  if (status < 300 && TEXT_MEDIA.test(answer.accept)) {
    return typeof body === 'string' ? [] : ['response body must be text'];
  }
  const problems = [...checkSchema(content ?? {}, answer, schemaCheck), ...checkSentByGitHub(body)];
  if (status >= 400 && !hasMessage(body)) problems.push("must have a 'message', for it tells of an error");
  return problems.map((problem) => `response body ${problem}`);
}

function checkSchema(content: Record<string, Schema>, answer: Answer, schemaCheck: SchemaCheck): string[] {
  const asObject = answer.accept.includes(OBJECT_MEDIA) ? content[OBJECT_MEDIA] : undefined;
  const schema = asObject ?? content['application/json'] ?? Object.values(content)[0];
  if (schema !== undefined)
    return schemaCheck.check(answer.status >= 400 ? anyOf(schema) : schema, answer.body);
  return answer.status >= 400 || isAbsent(answer.body) ? [] : ['must be empty'];
}

/** Errors are described as exactly one of several shapes whose fields are all optional, so that all of them always fit. */
function anyOf(schema: Schema): Schema {
  if (typeof schema !== 'object' || !('oneOf' in schema)) return schema;
  const { oneOf, ...rest } = schema;
  return { ...rest, anyOf: oneOf };
}

function checkRedirect(status: number, body: unknown): string[] {
  if (status === 304) return isAbsent(body) ? [] : ['response body must be empty'];
  return checkSentByGitHub(body).map((problem) => `response body ${problem}`);
}

function hasMessage(body: unknown): boolean {
  return isRecord(body) && typeof body.message === 'string' && body.message !== '';
}

function isAbsent(body: unknown): boolean {
  return body === undefined || body === null || body === '';
}
