import { GitHubError } from './github-error.ts';

/**
 * Creates something that must be there once. When the answer to the creation got lost, or tells that the thing is there
 * already, looks for it. `mayExist`: an earlier call may have created it, so look first.
 *
 * `find` gives `null` when there is none.
 */
export async function findOrCreate<Thing>(deps: {
  mayExist: boolean;
  find: () => Promise<Thing | null>;
  create: () => Promise<Thing>;
}): Promise<Thing> {
  const { mayExist, find, create } = deps;
  if (mayExist) {
    const found = await find();
    if (found !== null) return found;
  }
  try {
    return await create();
  } catch (error) {
    if (!isKind(error, 'unavailable') && !isKind(error, 'conflict')) throw error;
    const found = await find();
    if (found === null) throw error;
    return found;
  }
}

/** Whether it is a `GitHubError` of this kind. */
export function isKind(error: unknown, kind: GitHubError['kind']): boolean {
  return error instanceof GitHubError && error.kind === kind;
}

/** What `request` gives, or `null` when the thing is not there. */
export async function nullWhenGone<Thing>(request: Promise<Thing>): Promise<Thing | null> {
  try {
    return await request;
  } catch (error) {
    if (isKind(error, 'gone')) return null;
    throw error;
  }
}
