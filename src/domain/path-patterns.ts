/** More of them, or longer ones, and nobody knows any more what they say. */
export const MAX_PATTERNS = 50;
export const MAX_PATTERN_CHARACTERS = 200;

/** Whether one of the patterns is for this path. */
export type PathMatcher = (path: string) => boolean;

/** Why a text can't be a pattern and what to write instead; `null` when it can. */
export function explainBadPattern(pattern: string): string | null {
  if (pattern.startsWith('!')) return 'must not begin with "!": list what is meant';
  if (/[[\]{}()\\|]/.test(pattern))
    return 'must have no brackets, braces or backslashes: * ? and ** are known';
  const parts = toParts(pattern);
  if (parts.length === 0) return 'must name a path, such as docs/** or **/*.md';
  if (parts.some((part) => part === '.' || part === '..'))
    return 'must go from the root, without "." and ".."';
  if (parts.some((part) => part !== '**' && part.includes('**')))
    return 'must have "**" between slashes only';
  return null;
}

/**
 * Patterns as in `.gitattributes`, from the root of the repository: `*` and `?` stay within a name, `**` is any number of folders, and a
 * folder stands for all that is in it. Without regard to case, as file systems are that the files may be checked out on.
 *
 * Not by picomatch or minimatch: both make regular expressions, which go back over their steps (`*a*a*a*a*b` took 44 s for one name of
 * 255 characters), and agents choose the paths. This takes at most length of pattern × length of path steps.
 */
export function toPathMatcher(patterns: readonly string[]): PathMatcher {
  const known = patterns.map((pattern) => toParts(pattern.toLowerCase()));
  return (path) => {
    const parts = path.toLowerCase().split('/');
    return known.some((pattern) => matchesParts(pattern, parts));
  };
}

function toParts(pattern: string): string[] {
  return pattern.split('/').filter((part) => part !== '');
}

/** Whether `pattern` is for the whole path, or for a folder above it. */
function matchesParts(pattern: readonly string[], path: readonly string[]): boolean {
  // Which beginnings of the pattern have been used up by the path so far: `**` may be passed at any time.
  let reached = passFolders(new Set([0]), pattern);
  for (const name of path) {
    if (reached.has(pattern.length)) return true;
    const next = new Set<number>();
    for (const at of reached) {
      const part = pattern[at] ?? '';
      if (part === '**') next.add(at);
      else if (matchesName(part, name)) next.add(at + 1);
    }
    reached = passFolders(next, pattern);
  }
  return reached.has(pattern.length);
}

function passFolders(reached: Set<number>, pattern: readonly string[]): Set<number> {
  // What is added on the way is visited, too.
  for (const at of reached) if (pattern[at] === '**') reached.add(at + 1);
  return reached;
}

/** When it does not go on, only the last `*` has to take a character more: what came before it stays right. */
function matchesName(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let taken = 0;
  for (let next = 0; next < name.length;) {
    if (pattern[at] === '*') {
      star = at;
      taken = next;
      at += 1;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[next])) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      at = star + 1;
      taken += 1;
      next = taken;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
