import { isAbsolute, join, relative } from 'node:path';
import type { CoverageKind } from './want-coverage.ts';

/** File as the report names it → line → whether anything ran it. Lines that hold nothing to run are not among them. */
export type LineCoverage = Map<string, Map<number, boolean>>;

/** More than a report of a test run has, in one file or in all; each costs memory. */
const MAX_LINES = 300_000;

/** Reads a report into `into`; what several reports say of a line adds up. Hostile text: what can't be read is passed over. */
export function parseCoverage(kind: CoverageKind, text: string, into: LineCoverage): void {
  if (kind === 'lcov') parseLcov(text, into);
  else parseGoProfile(text, into);
}

/** `SF:<file>`, then `DA:<line>,<times>`; the rest is about functions and branches. */
function parseLcov(text: string, into: LineCoverage): void {
  let file: Map<number, boolean> | null = null;
  for (const line of text.split('\n', MAX_LINES)) {
    if (line.startsWith('SF:')) file = fileOf(into, line.slice(3).trim());
    const found = /^DA:(\d{1,9}),(\d{1,15})/.exec(line);
    if (found !== null && file !== null) note(file, Number(found[1]), Number(found[2]) > 0);
  }
}

/** `<package>/<file>:<line>.<column>,<line>.<column> <statements> <times>`. */
function parseGoProfile(text: string, into: LineCoverage): void {
  let left = MAX_LINES;
  for (const line of text.split('\n', MAX_LINES)) {
    const found = /^(.+):(\d{1,9})\.\d+,(\d{1,9})\.\d+ \d+ (\d{1,15})\s*$/.exec(line);
    if (found === null) continue;
    const [, name = '', from, to, times] = found;
    const file = fileOf(into, name);
    for (let at = Number(from); at <= Number(to) && left > 0; at += 1, left -= 1) {
      note(file, at, Number(times) > 0);
    }
  }
}

function fileOf(into: LineCoverage, name: string): Map<number, boolean> {
  const known = into.get(name) ?? new Map<number, boolean>();
  into.set(name, known);
  return known;
}

function note(file: Map<number, boolean>, line: number, ran: boolean): void {
  file.set(line, ran || file.get(line) === true);
}

/**
 * The lines of a report by paths of the repository. `folder`: the work tree; `place`: where in it the command was run, which relative
 * names begin from. Go names files by their packages: the longest path of `paths` that such a name ends with is meant.
 */
export function toRepositoryPaths(
  coverage: LineCoverage,
  where: { folder: string; place: string; paths: readonly string[] },
): LineCoverage {
  const byLength = where.paths.toSorted((a, b) => b.length - a.length);
  const found: LineCoverage = new Map();
  for (const [name, lines] of coverage) {
    const inTree = isAbsolute(name) ? relative(where.folder, name) : join(where.place, name);
    const path = where.paths.includes(inTree) ? inTree : byLength.find((path) => isOfPackage(name, path));
    if (path === undefined) continue;
    const file = fileOf(found, path);
    for (const [line, ran] of lines) note(file, line, ran);
  }
  return found;
}

function isOfPackage(name: string, path: string): boolean {
  return !isAbsolute(name) && !name.startsWith('.') && name.endsWith(`/${path}`);
}
