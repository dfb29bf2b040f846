import type { Operation, RestSlice } from './slices.ts';

export type FoundOperation = {
  /** Method and path template, as `GET /repos/{owner}/{repo}`. */
  name: string;
  operation: Operation;
  /** The values of the path's parameters, decoded. */
  parameters: Record<string, string>;
};

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
      const values = Object.entries(match.groups ?? {}).map(
        ([name, value]) => [name, decode(value)] as const,
      );
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
  return { name, operation, method, pattern: new RegExp(`^${parts.join('/')}/?$`), literals };
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // A stray percent sign is then part of the name; GitHub answers such paths with 404.
    return value;
  }
}
