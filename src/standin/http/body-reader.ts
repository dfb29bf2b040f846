import { ApiError } from './api-error.ts';

type Fields = Record<string, unknown>;

/**
 * Reads the fields of a JSON request body, and refuses with GitHub's 422 texts what is missing or of the
 * wrong type. Absent optional fields come back as `undefined`; `null` is kept apart from absent only where a
 * caller asks `has`.
 */
export function createBodyReader(body: unknown) {
  if (body !== undefined && (typeof body !== 'object' || body === null || Array.isArray(body))) {
    throw new ApiError(400, 'Problems parsing JSON');
  }
  const fields: Fields = (body ?? {}) as Fields;

  function wrongType(name: string, wanted: string): ApiError {
    return new ApiError(
      422,
      `Invalid request.\n\nFor 'properties/${name}', ${JSON.stringify(fields[name])} is not ${wanted}.`,
    );
  }

  function missing(name: string): ApiError {
    return new ApiError(422, `Invalid request.\n\n"${name}" wasn't supplied.`);
  }

  function has(name: string): boolean {
    return Object.hasOwn(fields, name);
  }

  function text(name: string): string | undefined {
    const value = fields[name] ?? undefined;
    if (value !== undefined && typeof value !== 'string') throw wrongType(name, 'a string');
    return value;
  }

  function requiredText(name: string): string {
    const value = text(name);
    if (value === undefined) throw missing(name);
    return value;
  }

  function oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = text(name);
    if (value === undefined) return undefined;
    const found = allowed.find((one) => one === value);
    if (found === undefined)
      throw wrongType(name, `a member of [${allowed.map((a) => `"${a}"`).join(', ')}]`);
    return found;
  }

  function integer(name: string): number | undefined {
    const value = fields[name] ?? undefined;
    if (value !== undefined && !Number.isInteger(value)) throw wrongType(name, 'an integer');
    return value as number | undefined; // isInteger has just told so
  }

  function flag(name: string): boolean | undefined {
    const value = fields[name] ?? undefined;
    if (value !== undefined && typeof value !== 'boolean') throw wrongType(name, 'a boolean');
    return value;
  }

  function list(name: string): unknown[] | undefined {
    const value = fields[name] ?? undefined;
    if (value !== undefined && !Array.isArray(value)) throw wrongType(name, 'an array');
    return value;
  }

  function texts(name: string): string[] | undefined {
    const value = list(name);
    if (value?.some((one) => typeof one !== 'string')) throw wrongType(name, 'an array of strings');
    return value as string[] | undefined; // every entry has just been looked at
  }

  function record(name: string): Record<string, unknown> | undefined {
    const value = fields[name] ?? undefined;
    if (value !== undefined && (typeof value !== 'object' || Array.isArray(value))) {
      throw wrongType(name, 'an object');
    }
    return value as Record<string, unknown> | undefined; // neither null nor an array, so an object
  }

  /** An ISO 8601 time, in milliseconds since the epoch. */
  function time(name: string): number | undefined {
    const value = text(name);
    if (value === undefined) return undefined;
    const ms = Date.parse(value);
    if (Number.isNaN(ms)) throw wrongType(name, 'a valid date-time');
    return ms;
  }

  return { has, text, requiredText, oneOf, integer, flag, list, texts, record, time, missing };
}

export type BodyReader = ReturnType<typeof createBodyReader>;
