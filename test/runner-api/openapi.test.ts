import { expect, test } from 'vitest';
import { RUNNER_API } from '../../src/contract/runner-api.ts';
import { toOpenApi } from '../../src/runner-api/openapi.ts';

type Operation = {
  operationId: string;
  parameters: { name: string }[];
  responses: Record<string, { content: Record<string, { schema: object }> }>;
  requestBody: { content: Record<string, { schema: { type?: string; required?: string[] } }> };
};

const document = toOpenApi('1.2.3');
const operations = Object.entries(document['paths'] as Record<string, Record<string, Operation>>).flatMap(
  ([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

test('every call of the table is in the document, and nothing else', () => {
  expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
  expect(operations.map(({ operation }) => operation.operationId).sort()).toEqual(
    Object.keys(RUNNER_API).sort(),
  );
});

test('what a call needs is named: parameters of the path, lease, key for repeats', () => {
  const complete = operations.find(({ operation }) => operation.operationId === 'complete');

  expect(complete?.path).toBe('/api/v1/attempts/{attemptId}/complete');
  expect(complete?.operation.parameters.map((parameter) => parameter.name).sort()).toEqual([
    'attemptId',
    'idempotency-key',
    'yardmaster-epoch',
    'yardmaster-protocol',
  ]);
});

test('bodies are described by the schemas that check them', () => {
  const enroll = operations.find(({ operation }) => operation.operationId === 'enroll');

  expect(enroll?.operation.requestBody.content['application/json']?.schema).toMatchObject({
    type: 'object',
    required: ['token', 'facts'],
  });
  expect(Object.keys(enroll?.operation.responses ?? {})).toContain('426');
  expect(() => JSON.stringify(document)).not.toThrow();
});
