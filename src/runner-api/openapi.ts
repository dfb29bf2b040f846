import { z } from 'zod';
import { PROTOCOL_HEADER, toProtocolHeader } from '../contract/protocol-version.ts';
import {
  EPOCH_HEADER,
  IDEMPOTENCY_HEADER,
  LEASE_TOKEN_HEADER,
  RUNNER_API,
  type RunnerCall,
} from '../contract/runner-api.ts';
import { WIRE_ERRORS, WireError } from '../contract/wire-error.ts';

type Json = Record<string, unknown>;

/** The runner API as an OpenAPI 3.1 document, made from the table that is served. */
export function toOpenApi(version: string): Json {
  const calls = Object.keys(RUNNER_API) as RunnerCall[];
  return {
    openapi: '3.1.0',
    info: { title: 'Yardmaster runner API', version },
    paths: Object.fromEntries(calls.map((name) => [toPathTemplate(name), toPathItem(name)])),
    components: {
      schemas: { WireError: toSchema(WireError) },
      securitySchemes: {
        runnerKey: { type: 'http', scheme: 'bearer', description: 'The key from enrolment.' },
        session: { type: 'http', scheme: 'bearer', description: 'The token of the newest session.' },
        lease: { type: 'apiKey', in: 'header', name: LEASE_TOKEN_HEADER },
      },
    },
  };
}

function toPathTemplate(name: RunnerCall): string {
  return RUNNER_API[name].path.replace(/:(\w+)/g, '{$1}');
}

function toPathItem(name: RunnerCall): Json {
  const { method, summary, request, response } = RUNNER_API[name];
  return {
    [method.toLowerCase()]: {
      operationId: name,
      summary,
      security: toSecurity(name),
      parameters: toParameters(name),
      requestBody: { required: true, content: { 'application/json': { schema: toSchema(request) } } },
      responses: {
        200: { description: 'Done.', content: { 'application/json': { schema: toSchema(response) } } },
        ...toErrorResponses(),
      },
    },
  };
}

function toSecurity(name: RunnerCall): Json[] {
  switch (RUNNER_API[name].auth) {
    case 'enroll-token':
      return [];
    case 'runner-key':
      return [{ runnerKey: [] }];
    case 'session':
      return [{ session: [] }];
    case 'lease':
      return [{ session: [], lease: [] }];
    default:
      return RUNNER_API[name] satisfies never;
  }
}

function toParameters(name: RunnerCall): Json[] {
  const { path, auth, idempotent } = RUNNER_API[name];
  const text = { type: 'string' };
  return [
    { name: PROTOCOL_HEADER, in: 'header', required: true, schema: text, example: toProtocolHeader() },
    ...(path.includes(':attemptId')
      ? [{ name: 'attemptId', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }]
      : []),
    ...(auth === 'lease'
      ? [{ name: EPOCH_HEADER, in: 'header', required: true, schema: { type: 'integer', minimum: 1 } }]
      : []),
    ...(idempotent
      ? [
          {
            name: IDEMPOTENCY_HEADER,
            in: 'header',
            required: true,
            schema: { ...text, minLength: 8, maxLength: 200 },
          },
        ]
      : []),
  ];
}

/** Each status with the codes that can come with it. */
function toErrorResponses(): Json {
  const byStatus = Map.groupBy(Object.entries(WIRE_ERRORS), ([, { status }]) => status);
  return Object.fromEntries(
    [...byStatus].map(([status, errors]) => [
      status,
      {
        description: errors.map(([code]) => code).join(' or '),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/WireError' } } },
      },
    ]),
  );
}

function toSchema(schema: z.ZodType): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema);
  return rest;
}
