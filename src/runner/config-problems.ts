import { z } from 'zod';
import { didYouMean } from '../lib/did-you-mean.ts';
import { RunnerFile } from './config-file.ts';

/** Where the parts of a configuration came from. */
export type ConfigPlaces = {
  lineOf(path: readonly PropertyKey[]): number | null;
  /** Dotted key → the environment variable that it was taken from. */
  variables: ReadonlyMap<string, string>;
};

/** What is wrong, as one line (or one for each unknown key) that names the place and the fix. */
export function describeIssue(issue: z.core.$ZodIssue, places: ConfigPlaces): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${toPlace([...issue.path, key], places)}${explainUnknownKey(issue.path, key)}`,
    );
  }
  // The alternatives of a union tell more than the union: take the one that got furthest.
  if (issue.code === 'invalid_union') {
    const furthest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
    if (furthest !== undefined && (furthest.path.length > 0 || furthest.code === 'unrecognized_keys')) {
      return describeIssue({ ...furthest, path: [...issue.path, ...furthest.path] }, places);
    }
  }
  return [`${toPlace(issue.path, places)}${issue.message.replace(/^Invalid input: /, '')}`];
}

/** `line 3: `, or nothing when there is no line. */
export function toLinePrefix(line: number | null, end = ': '): string {
  return line === null ? '' : `line ${line}${end}`;
}

/** `line 3, github.token: `, or the variable that the value came from. */
function toPlace(key: readonly PropertyKey[], { lineOf, variables }: ConfigPlaces): string {
  for (let length = key.length; length > 0; length -= 1) {
    const variable = variables.get(key.slice(0, length).join('.'));
    if (variable !== undefined) return `${variable}: `;
  }
  return `${toLinePrefix(lineOf(key), ', ')}${key.map(String).join('.')}: `;
}

function explainUnknownKey(parent: readonly PropertyKey[], key: string): string {
  const known = findKnownKeys(parent);
  const meant = didYouMean(key, known);
  if (meant !== null) return `there is no such key; did you mean "${meant}"?`;
  return known.length === 0
    ? 'there is no such key; remove it'
    : `there is no such key; known here: ${known.join(', ')}`;
}

/** The keys of the section that `parent` leads to; `[]` inside of lists and of names that people choose. */
function findKnownKeys(parent: readonly PropertyKey[]): string[] {
  let schema: unknown = RunnerFile;
  for (const key of parent) {
    const shape = findShape(schema);
    schema = shape?.[String(key)];
  }
  return Object.keys(findShape(schema) ?? {});
}

function findShape(schema: unknown): Readonly<Record<string, unknown>> | null {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return findShape(schema.unwrap());
  if (schema instanceof z.ZodUnion) {
    return schema.options.map(findShape).find((shape) => shape !== null) ?? null;
  }
  return schema instanceof z.ZodObject ? schema.shape : null;
}
