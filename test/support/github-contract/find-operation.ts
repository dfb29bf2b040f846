import type { Operation, RestSlice } from './slices.ts';

export type FoundOperation = {
  /** Method and path template, as `GET /repos/{owner}/{repo}`. */
  name: string;
  operation: Operation;
  /** The values of the path's parameters, decoded. */
  parameters: Record<string, string>;
};

/** The one operation whose last parameter may be left out: it then lists the root folder, as its documentation says. */
const LISTS_ROOT = 'repos/get-content';

type Route = { name: string; operation: Operation; method: string; pattern: RegExp; literals: number };

/**
 * Returns a look-up of operations by method and path (without query). A path that fits several templates belongs to
 * the one with most fixed parts: `/issues/comments` is no issue with the number `comments`.
 */
export function createOperationFinder(
  slice: RestSlice,
): (method: string, path: string) => FoundOperation | undefined {
  const routes = Object.entries(slice.operations).map(([name, operation]) => toRoute(name, operation));
  routes.sort((a, b) => b.literals - a.literals);
  return function findOperation(method, path) {
    for (const route of routes) {
      if (route.method !== method) continue;
      const match = route.pattern.exec(path);
      if (match === null) continue;
      // A group that took no part in the match is undefined, whatever its declared type says.
      const groups: [name: string, value: string | undefined][] = Object.entries(match.groups ?? {});
      const values = groups.map(([name, value = '']) => [name, decode(value)] as const);
      return { name: route.name, operation: route.operation, parameters: Object.fromEntries(values) };
    }
    return undefined;
  };
}

function toRoute(name: string, operation: Operation): Route {
  const [method = '', template = ''] = name.split(' ');
  const parts = template.split('/').map((part) => {
    const parameter = /^\{(\w+)\}$/.exec(part)?.[1];
    if (parameter === undefined) return part.replaceAll('.', String.raw`\.`);
    return (operation.multiSegment ?? []).includes(parameter)
      ? `(?<${parameter}>.+)`
      : `(?<${parameter}>[^/]+)`;
  });
  const literals = parts.filter((part) => !part.startsWith('(?<')).length;
  const pattern = parts.join('/');
  const known = operation.id === LISTS_ROOT ? pattern.replace('/(?<path>.+)', '(?:/(?<path>.+))?') : pattern;
  return { name, operation, method, pattern: new RegExp(`^${known}/?$`), literals };
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // A stray percent sign is then part of the name; GitHub answers such paths with 404.
    return value;
  }
}
