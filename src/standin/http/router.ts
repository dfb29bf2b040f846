import type { Actor } from '../access/actor.ts';

/** A request after authentication and parsing. */
export type Call = {
  method: string;
  /** Path without the `/api/v3` prefix and without query. */
  path: string;
  params: Record<string, string>;
  query: URLSearchParams;
  headers: Record<string, string>;
  body: unknown;
  actor: Actor;
};

/** `body` undefined means an empty answer. */
export type Reply = { status: number; body?: unknown; headers?: Record<string, string> };

export type Route = {
  method: string;
  pattern: string;
  handle(call: Call): Reply | Promise<Reply>;
};

/**
 * Finds the route for a path. In a pattern `:name` is one segment, `#name` a number and `*name` the rest,
 * slashes included; values arrive decoded. The first route that fits wins.
 */
export function createRouter(routes: readonly Route[]) {
  const byMethod = Map.groupBy(
    routes.map((route) => ({ ...route, expression: patternToExpression(route.pattern) })),
    (route) => route.method,
  );

  return {
    find(method: string, path: string): { route: Route; params: Record<string, string> } | undefined {
      for (const route of byMethod.get(method) ?? []) {
        const match = route.expression.exec(path);
        if (match) return { route, params: decodeAll(match.groups ?? {}) };
      }
      return undefined;
    },
  };
}

/** Expression for a whole path, with a named group for each parameter. */
export function patternToExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/[.\\+?()[\]{}|^$]/g, String.raw`\$&`)
    .replace(/:(\w+)/g, '(?<$1>[^/]+)')
    .replace(/#(\w+)/g, String.raw`(?<$1>\d+)`)
    .replace(/\*(\w+)/g, '(?<$1>.+)');
  return new RegExp(`^${source}$`);
}

function decodeAll(groups: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decode(value)]));
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // A stray percent sign: GitHub treats the text as it stands, and finds nothing by that name.
    return value;
  }
}

/** A parameter that the route's pattern guarantees. */
export function param(call: Call, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new Error(`The route of ${call.path} has no parameter ${name}`);
  return value;
}
