import { Ajv, type ErrorObject } from 'ajv';
import addFormats from 'ajv-formats';
import type { Schema } from './slices.ts';

/** More than this many reasons for one value help nobody: a union that fits nowhere complains about every branch. */
const MOST_PROBLEMS = 20;

export type SchemaCheck = {
  /** Problem texts such as `.output.summary must be string`; empty when the value fits. */
  check(schema: Schema, value: unknown): string[];
  /** The same for values that come as text (path, query): '5' is an integer and 'true' a boolean. */
  checkText(schema: Schema, values: Record<string, string>): string[];
};

/** Judges values by the schemas of one slice; each schema is compiled when it is first needed. */
export function createSchemaCheck(schemas: Record<string, Schema>): SchemaCheck {
  const forJson = createAjv(schemas, false);
  const forText = createAjv(schemas, true);
  return {
    check(schema, value) {
      const validate = forJson.compile(schema);
      return validate(value) ? [] : toProblems(validate.errors ?? []);
    },
    checkText(schema, values) {
      const validate = forText.compile(schema);
      return validate({ ...values }) ? [] : toProblems(validate.errors ?? []);
    },
  };
}

function createAjv(schemas: Record<string, Schema>, coerceTypes: boolean): Ajv {
  // The slices are our own work: checking them against the meta-schema would double the time to load.
  const ajv = new Ajv({
    strict: false,
    validateSchema: false,
    allErrors: true,
    coerceTypes,
    inlineRefs: false,
    code: { optimize: false },
  });
  addFormats.default(ajv, ['date-time', 'date', 'uri', 'uri-template']);
  // Bots have addresses such as `1+name[bot]@users.noreply.github.com`, which the standard form refuses.
  ajv.addFormat('email', /^[^\s@]+@[^\s@]+$/);
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema(schema, name);
  return ajv;
}

function toProblems(errors: ErrorObject[]): string[] {
  const reasons = errors.filter((error) => !isNoise(error));
  const texts = (reasons.length > 0 ? reasons : errors).map((error) => toText(error).trimStart());
  const problems = [...new Set(texts)];
  if (problems.length <= MOST_PROBLEMS) return problems;
  return [...problems.slice(0, MOST_PROBLEMS), `… and ${problems.length - MOST_PROBLEMS} more`];
}

/** That no branch of a union fits, or that a value is not null either, is worth saying only when nothing says why. */
function isNoise({ keyword, params }: ErrorObject): boolean {
  return keyword === 'anyOf' || (keyword === 'type' && params.type === 'null');
}

function toText(error: ErrorObject): string {
  const at = error.instancePath.replaceAll('/', '.');
  switch (error.keyword) {
    case 'required':
      return `${at} must have '${error.params.missingProperty}'`;
    case 'additionalProperties':
      return `${at} must not have '${error.params.additionalProperty}'`;
    case 'enum':
      return `${at} must be one of ${JSON.stringify(error.params.allowedValues)}`;
    default:
      return `${at} ${error.message ?? error.keyword}`;
  }
}
