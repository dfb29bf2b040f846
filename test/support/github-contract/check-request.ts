import type { FoundOperation } from './find-operation.ts';
import { isRecord } from './is-record.ts';
import type { SchemaCheck } from './schema-check.ts';
import type { Schema } from './slices.ts';
import { findUnknownFields } from './unknown-fields.ts';
import { checkCheckRunRequest, checkTextLength } from './unwritten-rules.ts';

type Problem = {
  text: string;
  /** Statuses with which GitHub rightly refuses such a request; answered so, it is no problem. */
  refusedWith: number[];
};

/** GitHub ignores misspelt names and answers as if they were not there: no status excuses them. */
const NEVER: number[] = [];
const BAD_PARAMETER = [404, 422];
const BAD_BODY = [400, 422];

const CHECK_RUN_WRITES = ['checks/create', 'checks/update'];

/** Problems of a request in the light of the status it was answered with; `body` is parsed JSON, or empty. */
export function checkRequest(
  { operation, parameters }: FoundOperation,
  request: { query: URLSearchParams; body: unknown; status: number },
  schemas: Record<string, Schema>,
  schemaCheck: SchemaCheck,
): string[] {
  return [...checkPath(), ...checkQuery(), ...checkBody()]
    .filter(({ refusedWith }) => !refusedWith.includes(request.status))
    .map(({ text }) => text);

  function checkPath(): Problem[] {
    const wrong = operation.path === undefined ? [] : schemaCheck.checkText(operation.path, parameters);
    return wrong.map((problem) => ({ text: `path parameter ${problem}`, refusedWith: BAD_PARAMETER }));
  }

  function checkQuery(): Problem[] {
    const described = isRecord(operation.query?.properties) ? operation.query.properties : {};
    const [known, unknown] = [new Map<string, string>(), new Set<string>()];
    for (const [name, value] of request.query) {
      if (Object.hasOwn(described, name)) known.set(name, value);
      else unknown.add(name);
    }
    const wrong =
      operation.query === undefined ? [] : schemaCheck.checkText(operation.query, Object.fromEntries(known));
    return [
      ...[...unknown].map((name) => ({
        text: `query parameter '${name}' does not exist`,
        refusedWith: NEVER,
      })),
      ...wrong.map((problem) => ({ text: `query parameter ${problem}`, refusedWith: BAD_PARAMETER })),
    ];
  }

  function checkBody(): Problem[] {
    const { body } = request;
    const isAbsent = body === undefined || body === null || body === '';
    if (operation.body === undefined) {
      const isHarmless = isAbsent || (isRecord(body) && Object.keys(body).length === 0);
      return isHarmless ? [] : [{ text: 'request has a body, the operation takes none', refusedWith: NEVER }];
    }
    const { required, schema } = operation.body;
    if (isAbsent)
      return required === true ? [{ text: 'request body is required', refusedWith: BAD_BODY }] : [];
    const wrong = [
      ...schemaCheck.check(schema, body),
      ...checkTextLength(body),
      ...(CHECK_RUN_WRITES.includes(operation.id) ? checkCheckRunRequest(body) : []),
    ];
    return [
      ...findUnknownFields(schemas, schema, body).map((field) => ({
        text: `request body ${field} is no field of this operation`,
        refusedWith: NEVER,
      })),
      ...wrong.map((problem) => ({ text: `request body ${problem}`, refusedWith: BAD_BODY })),
    ];
  }
}
