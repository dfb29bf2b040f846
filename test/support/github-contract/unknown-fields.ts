import { isRecord } from './is-record.ts';
import type { Schema } from './slices.ts';

/**
 * Paths of the fields that a request sends and its schema does not name, as `.output.sumary`.
 *
 * GitHub ignores unknown fields and answers 2xx, so a misspelt one is a request that silently does not do what was
 * meant; the description allows them, too. Objects whose schema names no fields (free-form maps) may hold anything.
 */
export function findUnknownFields(schemas: Record<string, Schema>, schema: Schema, value: unknown): string[] {
  return visit([schema], value, '');

  function visit(alternatives: Schema[], value: unknown, at: string): string[] {
    const branches = alternatives.flatMap(expand);
    if (Array.isArray(value)) {
      const items = branches.map((branch) => branch.items).filter(isRecord);
      return value.flatMap((item, index) => visit(items, item, `${at}.${index}`));
    }
    if (!isRecord(value)) return [];
    const known = new Map<string, Schema[]>();
    for (const branch of branches) {
      for (const [name, field] of Object.entries(isRecord(branch.properties) ? branch.properties : {})) {
        known.set(name, [...(known.get(name) ?? []), ...(isRecord(field) ? [field] : [])]);
      }
    }
    if (known.size === 0) return [];
    return Object.entries(value).flatMap(([name, item]) => {
      const fields = known.get(name);
      return fields === undefined ? [`${at}.${name}`] : visit(fields, item, `${at}.${name}`);
    });
  }

  /** The schema itself and every branch that it refers to or unites. */
  function expand(schema: Schema): Schema[] {
    const target = typeof schema.$ref === 'string' ? schemas[schema.$ref] : undefined;
    const branches = ['allOf', 'anyOf'].flatMap((keyword) => {
      const united = schema[keyword];
      return Array.isArray(united) ? united.filter(isRecord) : [];
    });
    return [schema, ...(target === undefined ? [] : expand(target)), ...branches.flatMap(expand)];
  }
}
