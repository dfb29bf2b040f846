import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { buildSchema, executeSync, type GraphQLSchema, parse, validate } from 'graphql';
import { isRecord } from './is-record.ts';

const SLICE = path.resolve(import.meta.dirname, '../../fixtures/github-contract/schema.graphql');

/**
 * Returns a check of questions to GraphQL and their answers against GitHub's schema: the question must be valid, and the answer what it asks
 * for, no more and no less. Problems; `[]`: none.
 */
export function createGraphqlCheck(): (body: unknown, answer: unknown, status: number) => string[] {
  let schema: GraphQLSchema | undefined;
  return (body, answer, status) => {
    if (!isRecord(body) || typeof body.query !== 'string') return ['the body has no query'];
    schema ??= buildSchema(readFileSync(SLICE, 'utf8'));
    const document = parse(body.query);
    const mistakes = validate(schema, document).map(({ message }) => message);
    if (mistakes.length > 0) return mistakes;
    // A gateway says what it likes; who may not ask at all (a dead token, a limit) is told so as by the REST API.
    if (status >= 500) return [];
    if (status !== 200)
      return isRecord(answer) && typeof answer.message === 'string' ? [] : ['the refusal has no message'];
    if (!isRecord(answer)) return ['the answer is no object'];
    if (Array.isArray(answer.errors)) return [];
    const variableValues = isRecord(body.variables) ? body.variables : {};
    const { data, errors = [] } = executeSync({
      schema,
      document,
      rootValue: answer.data,
      variableValues,
      // Of who acts we ask for nothing that only some of them have.
      typeResolver: () => 'User',
    });
    if (errors.length > 0) return errors.map(({ message }) => `the answer: ${message}`);
    const told: unknown = JSON.parse(JSON.stringify(data));
    return isDeepStrictEqual(told, answer.data) ? [] : ['the answer has fields that were not asked for'];
  };
}
