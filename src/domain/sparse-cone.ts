/** What git's patterns, or people who read them, would take for more than a name. */
const ODD = /[\p{C}\\*?[\]!#"]/u;

/** Why a folder can't be named in `checkout.sparse`; `null` when it can. */
export function explainBadFolder(folder: string): string | null {
  if (ODD.test(folder)) return 'must be the plain name of a folder, without patterns';
  const parts = toParts(folder);
  if (folder.startsWith('/') || parts.length === 0 || parts.some((part) => part === '.' || part === '..'))
    return 'must be a folder, seen from the root of the repository, without . and ..';
  return parts.some((part) => part !== part.trim()) ? 'must not begin or end with a space' : null;
}

/**
 * The folders as git's own cone patterns, for `info/sparse-checkout`. Throws for one that `explainBadFolder` objects to: they come from
 * elsewhere, and a line more would mean something else.
 */
export function toConePatterns(folders: readonly string[]): string {
  const cones = readCones(folders);
  const above = new Set(cones.flatMap(listAbove).filter((folder) => !cones.includes(folder)));
  return [
    '/*',
    '!/*/',
    ...[...above].sort().flatMap((folder) => [`/${folder}/`, `!/${folder}/*/`]),
    ...cones.map((folder) => `/${folder}/`),
    '',
  ].join('\n');
}

/** Whether a path of the repository is checked out. */
export function toConeTest(folders: readonly string[]): (path: string) => boolean {
  const cones = readCones(folders);
  const withOwnFiles = new Set(['', ...cones.flatMap(listAbove)]);
  return (path) =>
    withOwnFiles.has(path.slice(0, Math.max(0, path.lastIndexOf('/')))) ||
    cones.some((folder) => path.startsWith(`${folder}/`));
}

/** Sorted, without those that are within others. */
function readCones(folders: readonly string[]): string[] {
  const plain = folders.map((folder) => {
    const problem = explainBadFolder(folder);
    if (problem !== null) throw new Error(`checkout.sparse: a folder ${problem}`);
    return toParts(folder).join('/');
  });
  const all = new Set(plain);
  return [...all].filter((folder) => !listAbove(folder).some((above) => all.has(above))).sort();
}

function toParts(folder: string): string[] {
  return folder.split('/').filter((part) => part !== '');
}

function listAbove(folder: string): string[] {
  const parts = folder.split('/');
  return parts.slice(1).map((_part, at) => parts.slice(0, at + 1).join('/'));
}
