import type { Coverage } from '../contract/evidence.ts';

const MAX_FILES = 20;

/**
 * How many of the changed lines the tests ran, of those that a report knows as lines with something to run; `null` when it knows none.
 * Files with most lines that nothing ran come first.
 */
export function countCoverage(
  changed: readonly { path: string; lines: readonly number[] }[],
  ran: ReadonlyMap<string, ReadonlyMap<number, boolean>>,
): Coverage | null {
  const files = changed.flatMap(({ path, lines }) => {
    const known = lines.flatMap((line) => ran.get(path)?.get(line) ?? []);
    const covered = known.filter(Boolean).length;
    return known.length === 0 ? [] : [{ path: path.slice(0, 1000), covered, lines: known.length }];
  });
  if (files.length === 0) return null;
  return {
    covered: files.reduce((sum, file) => sum + file.covered, 0),
    lines: files.reduce((sum, file) => sum + file.lines, 0),
    files: files.toSorted((a, b) => b.lines - b.covered - (a.lines - a.covered)).slice(0, MAX_FILES),
  };
}
