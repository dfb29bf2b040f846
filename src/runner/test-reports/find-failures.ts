import type { FailedTest } from '../../contract/evidence.ts';
import type { CaseFailure, CaseReport } from './case-report.ts';

const MAX_FAILURES = 20;

/** The tests of one command; a test that fails and passes unchanged counts as passed in `cases`. */
export type ToldTests = { cases: CaseReport['cases'] | null; failures: CaseReport['failures'] };

/**
 * The tests that fail, with the words of their framework, and the line that it names if the file is in the work. `listFiles`: its files, as
 * paths from the root; asked for only when there is something to look for. `undefined` when no test is known to fail.
 */
export async function findFailures(
  commands: readonly ToldTests[],
  listFiles: () => Promise<readonly string[]>,
): Promise<FailedTest[] | undefined> {
  const failing = commands
    .flatMap(({ cases, failures }) =>
      [...(cases ?? [])].flatMap(([name, status]) =>
        status === 'failed' ? { name, failure: failures.get(name) } : [],
      ),
    )
    .slice(0, MAX_FAILURES);
  if (failing.length === 0) return undefined;
  const isPlaced = failing.some(({ failure }) => (failure?.places.length ?? 0) > 0);
  const files = isPlaced ? await listFiles() : [];
  return failing.map(({ name, failure }) => ({
    name: name.slice(0, 300),
    message: failure?.message ?? '',
    place: failure === undefined ? null : findPlace(failure.places, files),
  }));
}

function findPlace(places: CaseFailure['places'], files: readonly string[]): FailedTest['place'] {
  for (const { path, line } of places) {
    const found = findFile(path.replace(/^(?:\.\/)+/, ''), files);
    if (found !== null && line > 0) return { path: found, line };
  }
  return null;
}

/** Commands run in folders of their own, and some frameworks give no more than a file's name: its end must fit one file, and no other. */
function findFile(path: string, files: readonly string[]): string | null {
  if (files.includes(path)) return path;
  const [only, ...more] = files.filter((file) => file.endsWith(`/${path}`));
  return only !== undefined && more.length === 0 ? only : null;
}
