import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { z } from 'zod';

/** What an agent asks leave for. Hostile: it says itself what it is going to do. */
export const PermissionRequest = z.object({
  toolCall: z.object({
    kind: z.string().nullish().catch(null),
    title: z.string().nullish().catch(null),
    locations: z
      .array(z.object({ path: z.string() }))
      .nullish()
      .catch(null),
  }),
  options: z.array(z.object({ optionId: z.string(), kind: z.string().catch('') })).catch([]),
});
export type PermissionRequest = z.output<typeof PermissionRequest>;

export type PermissionDecision = {
  /** As the protocol writes it. */
  outcome: { outcome: 'selected'; optionId: string } | { outcome: 'cancelled' };
  isAllowed: boolean;
  /** For people. */
  reason: string;
};

/** What changes nothing outside of the workspace, as far as the places that it names go. */
const HARMLESS = new Set(['read', 'edit', 'delete', 'move', 'search', 'think']);
/** What is allowed by its places alone, so that it has to name them. */
const CHANGING = new Set(['edit', 'delete', 'move']);
/** Once before always: what is asked again is decided again. */
const ALLOWING = ['allow_once', 'allow_always'];
const REFUSING = ['reject_once', 'reject_always'];

/**
 * What a permission request of an agent is answered with; nobody is there to ask. In a sandbox everything is allowed, since the sandbox
 * and not the agent's word is what confines it. Without one, only what says to read or change files of the workspace.
 */
export function decidePermission(
  { toolCall, options }: PermissionRequest,
  where: { isSandboxed: boolean; folder: string },
): PermissionDecision {
  const why = where.isSandboxed ? null : findObjection(toolCall, where.folder);
  const wanted = why === null ? ALLOWING : REFUSING;
  const option = wanted
    .map((kind) => options.find((one) => one.kind === kind))
    .find((found) => found !== undefined);
  if (option === undefined) {
    const reason = why ?? 'the agent offers no way to allow it';
    return { outcome: { outcome: 'cancelled' }, isAllowed: false, reason };
  }
  return {
    outcome: { outcome: 'selected', optionId: option.optionId },
    isAllowed: why === null,
    reason: why ?? (where.isSandboxed ? 'it is in the sandbox' : 'it stays in the workspace'),
  };
}

/** `null` = there is none. */
function findObjection({ kind, locations }: PermissionRequest['toolCall'], folder: string): string | null {
  if (!HARMLESS.has(kind ?? 'other'))
    return `without a sandbox nothing of the kind "${kind ?? 'other'}" is run`;
  const places = locations ?? [];
  if (places.length === 0 && CHANGING.has(kind ?? 'other'))
    return 'without a sandbox nothing is changed at a place that is not told';
  return places.every(({ path }) => staysInside(path, folder))
    ? null
    : 'without a sandbox nothing outside of the workspace is touched';
}

/** By its words, and by where its links lead. */
function staysInside(path: string, folder: string): boolean {
  const normal = resolve(folder, path);
  const root = findRealPath(folder);
  if (root === null || !isInside(normal, folder)) return false;
  // Some normalize first and some don't: `link/..` is beside where the link leads, and `missing/../link` leads there too.
  return [normal, isAbsolute(path) ? path : `${folder}/${path}`].every((way) => {
    const real = findRealPath(way);
    return real !== null && isInside(real, root);
  });
}

/** Where a path leads, as far as it exists; `null` where that can't be told, such as for a link to nowhere, which writing would follow. */
function findRealPath(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    if (parent === path || !isMissing(path)) return null;
    const real = findRealPath(parent);
    return real === null ? null : join(real, basename(path));
  }
}

function isMissing(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}
