export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

/** Keywords that say nothing about whether a value fits, or that a JSON Schema validator does not know. */
const DROPPED = new Set([
  'title',
  'description',
  'example',
  'examples',
  'default',
  'deprecated',
  'readOnly',
  'discriminator',
  'externalDocs',
]);

const CHECKABLE_FORMATS: Json[] = ['date-time', 'date', 'email', 'uri', 'uri-template'];

/** Smaller schemas than this many characters are cheaper repeated than referred to. */
const SMALLEST_SHARED = 90;

export type SchemaPool = {
  /** Returns the schema to store in place of the given one. */
  add(schema: Json): Json;
  /**
   * To be called once, after the last `add`. Returns the shared schemas by name; and `inline`, to be applied to
   * whatever holds results of `add`, which resolves the references that turned out not to be shared.
   */
  finish(): { schemas: JsonObject; inline: (value: Json) => Json };
};

type Entry = { name: string; schema: JsonObject; uses: number };

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Turns OpenAPI schemas into plain JSON Schemas that share their equal parts.
 *
 * GitHub's descriptions repeat whole users and repositories hundreds of times. Every schema given to `add` is
 * stripped, and equal sub-schemas become one entry; `finish` writes entries used only once back in their place.
 * References are `{ "$ref": "name" }`, and names are those of `components` where there is one.
 *
 * `oneOf` becomes `anyOf`: GitHub's branches overlap (null fits three of `validation-error`'s, and any object both
 * of two errors without required fields), which is no mistake of the value.
 */
export function createSchemaPool(components: JsonObject): SchemaPool {
  const entriesByText = new Map<string, Entry>();
  const entriesByName = new Map<string, Entry>();
  const componentResults = new Map<string, Json>();
  const componentsInWork = new Set<string>();

  function uniqueName(wanted: string): string {
    for (let number = 1; ; number += 1) {
      const name = number === 1 ? wanted : `${wanted}-${number}`;
      if (!entriesByName.has(name)) return name;
    }
  }

  function share(schema: JsonObject, wantedName: string): Json {
    const text = JSON.stringify(schema);
    if (text.length < SMALLEST_SHARED) return schema;
    let entry = entriesByText.get(text);
    if (entry === undefined) {
      entry = { name: uniqueName(wantedName), schema, uses: 0 };
      entriesByText.set(text, entry);
      entriesByName.set(entry.name, entry);
    }
    return { $ref: entry.name };
  }

  function component(name: string): Json {
    const known = componentResults.get(name);
    if (known !== undefined) return known;
    if (componentsInWork.has(name)) throw new Error(`${name} contains itself: the pool cannot share circles`);
    componentsInWork.add(name);
    const result = convert(components[name] ?? {}, name);
    componentResults.set(name, result);
    return result;
  }

  function convert(schema: Json, name: string): Json {
    if (!isObject(schema)) return schema;
    if (typeof schema.$ref === 'string') return component(schema.$ref.split('/').at(-1) ?? '');
    const result: JsonObject = {};
    for (const keyword of Object.keys(schema).sort()) {
      if (DROPPED.has(keyword) || keyword.startsWith('x-') || keyword === 'nullable') continue;
      const value = convertKeyword(keyword, schema[keyword] ?? null, name);
      if (value !== undefined) result[keyword === 'oneOf' ? 'anyOf' : keyword] = value;
    }
    if ('anyOf' in schema && 'oneOf' in schema)
      throw new Error(`${name} has two unions: only one would be kept`);
    return share(schema.nullable === true ? allowNull(result) : result, name);
  }

  function convertKeyword(keyword: string, value: Json, name: string): Json | undefined {
    if (keyword === 'format') return CHECKABLE_FORMATS.includes(value) ? value : undefined;
    if (keyword === 'required' && Array.isArray(value)) return value.toSorted(compareText);
    if (keyword === 'properties' && isObject(value)) {
      const sorted = Object.entries(value).sort(([a], [b]) => compareText(a, b));
      return Object.fromEntries(sorted.map(([property, schema]) => [property, convert(schema, property)]));
    }
    if (['allOf', 'anyOf', 'oneOf'].includes(keyword) && Array.isArray(value)) {
      return value.map((branch) => convert(branch, name));
    }
    if (['items', 'additionalProperties', 'not'].includes(keyword)) return convert(value, name);
    return value;
  }

  function countUses(value: Json, visited: Set<Entry>): void {
    if (Array.isArray(value)) return value.forEach((item) => countUses(item, visited));
    if (!isObject(value)) return;
    const entry = typeof value.$ref === 'string' ? entriesByName.get(value.$ref) : undefined;
    if (entry === undefined) return Object.values(value).forEach((item) => countUses(item, visited));
    entry.uses += 1;
    if (visited.has(entry)) return;
    visited.add(entry);
    countUses(entry.schema, visited);
  }

  /** Writes entries used once, and tiny ones, in place of their reference. */
  function inline(value: Json): Json {
    if (Array.isArray(value)) return value.map(inline);
    if (!isObject(value)) return value;
    const entry = typeof value.$ref === 'string' ? entriesByName.get(value.$ref) : undefined;
    if (entry !== undefined) return entry.uses > 1 ? value : inline(entry.schema);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inline(item)]));
  }

  const added: Json[] = [];
  return {
    add(schema) {
      const result = convert(schema, 'part');
      added.push(result);
      return result;
    },
    finish() {
      countUses(added, new Set());
      const shared = [...entriesByName.values()].filter((entry) => entry.uses > 1);
      shared.sort((a, b) => compareText(a.name, b.name));
      return {
        schemas: Object.fromEntries(shared.map(({ name, schema }) => [name, inline(schema)])),
        inline,
      };
    },
  };
}

/** OpenAPI 3.0 says `nullable: true` where JSON Schema lists null among the types. */
function allowNull(schema: JsonObject): JsonObject {
  const { type } = schema;
  if (typeof type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  const values = schema.enum;
  if (Array.isArray(values) && !values.includes(null))
    return { ...schema, type: [type, 'null'], enum: [...values, null] };
  return { ...schema, type: [type, 'null'] };
}

/** By code points, so that the order is the same on every machine. */
function compareText(a: Json, b: Json): number {
  if (a === b) return 0;
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
