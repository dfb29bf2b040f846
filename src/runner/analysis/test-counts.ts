import { stripVTControlCharacters } from 'node:util';
import type { Command } from '../../contract/command-run.ts';
import type { TestCounts } from '../../contract/evidence.ts';

/** How one framework sums up. `null` when the lines hold no such summary. */
type Reader = (lines: readonly string[]) => TestCounts | null;

/**
 * Tests write what they like, so no pattern may see more than this: on longer lines some take a time that grows with the square of
 * the length. No summary is as long.
 */
const MAX_LINE = 500;

/**
 * How many tests passed, failed and were skipped, by the summary that the test framework itself printed. Works on the
 * end of an output as well. `null` when no known summary is there: then nobody knows, which is not the same as zero.
 *
 * What was run says little (`npm test` may be anything), so all readers look. A summary may also have been printed by
 * the tests themselves: the counts are something to show, never to decide by.
 */
export function readTestCounts(command: Command, output: string): TestCounts | null {
  const lines = output
    .split(/[\r\n]+/)
    .filter((line) => line !== '' && line.length <= MAX_LINE)
    .map((line) => stripVTControlCharacters(line));
  const readers = [...READERS].sort((a, b) => rankOf(a, command) - rankOf(b, command));
  for (const { read } of readers) {
    const counts = read(lines);
    if (counts !== null) return counts;
  }
  return null;
}

const READERS: readonly { program: RegExp; read: Reader }[] = [
  { program: /^(vitest)$/, read: readVitest },
  { program: /^(jest)$/, read: readJest },
  { program: /^(node)$/, read: readNodeTest },
  { program: /^(cargo)$/, read: readCargo },
  { program: /^(go)$/, read: readGo },
  { program: /^(pytest)$/, read: readPytest },
  { program: /^(unittest)$/, read: readUnittest },
];

/** A framework that the command names goes first. */
function rankOf({ program }: { program: RegExp }, command: Command): number {
  return command.some((part) => program.test(part)) ? 0 : 1;
}

/** `# pass 3` in TAP, `ℹ pass 3` in the spec reporter. Several runs in one output are added up. */
function readNodeTest(lines: readonly string[]): TestCounts | null {
  if (!lines.some((line) => /^[#ℹ] tests \d{1,9}$/.test(line))) return null;
  const sum = (name: string): number => sumOf(lines, new RegExp(`^[#ℹ] ${name} (\\d{1,9})$`));
  return {
    passed: sum('pass'),
    failed: sum('fail') + sum('cancelled'),
    skipped: sum('skipped') + sum('todo'),
  };
}

/** `      Tests  1 failed | 2 passed | 1 skipped (4)` */
function readVitest(lines: readonly string[]): TestCounts | null {
  return readWords(lines, /^\s*Tests {2,}(.*\(\d{1,9}\).*)$/);
}

/** `Tests:       1 failed, 2 skipped, 5 passed, 8 total` */
function readJest(lines: readonly string[]): TestCounts | null {
  return readWords(lines, /^Tests: +(.*\d total)$/);
}

/** Numbers and words in what the pattern finds. */
function readWords(lines: readonly string[], pattern: RegExp): TestCounts | null {
  const summaries = find(lines, pattern);
  if (summaries.length === 0) return null;
  return {
    passed: sumOf(summaries, /(?<!\d)(\d{1,9}) passed/),
    failed: sumOf(summaries, /(?<!\d)(\d{1,9}) failed/),
    skipped: sumOf(summaries, /(?<!\d)(\d{1,9}) skipped/) + sumOf(summaries, /(?<!\d)(\d{1,9}) todo/),
  };
}

const PYTEST_WORD =
  '(?:failed|passed|skipped|deselected|xfailed|xpassed|errors?|warnings?|rerun|subtests passed)';
const PYTEST_SUMMARY = new RegExp(
  `^(?:=+ )?((?:\\d{1,9} ${PYTEST_WORD}(?:, )?)+|no tests ran) in [\\d.]{1,12}s(?: \\([\\d:]{1,12}\\))?(?: =+)?$`,
);

/** `===== 1 failed, 2 passed, 1 skipped in 0.12s =====`, or without the bars with `-q`. */
function readPytest(lines: readonly string[]): TestCounts | null {
  const summaries = find(lines, PYTEST_SUMMARY);
  if (summaries.length === 0) return null;
  const sum = (word: string): number => sumOf(summaries, new RegExp(`(?<!\\d)(\\d{1,9}) ${word}`));
  return {
    passed: sum('passed') + sum('xpassed'),
    failed: sum('failed') + sum('error'),
    skipped: sum('skipped') + sum('xfailed'),
  };
}

/** `Ran 5 tests in 0.001s`, then `OK (skipped=1)` or `FAILED (failures=1, errors=1)`. */
function readUnittest(lines: readonly string[]): TestCounts | null {
  let [runs, ran, failed, skipped] = [0, 0, 0, 0];
  for (const [at, line] of lines.entries()) {
    const count = /^Ran (\d{1,9}) tests? in [\d.]{1,12}s$/.exec(line)?.[1];
    const details = /^(?:OK|FAILED|NO TESTS RAN)(.*)$/.exec(lines[at + 1] ?? '')?.[1];
    if (count === undefined || details === undefined) continue;
    const sum = (pattern: RegExp): number => sumOf([details], pattern);
    runs += 1;
    ran += Number(count);
    failed +=
      sum(/(?<!expected )failures=(\d{1,9})/) +
      sum(/errors=(\d{1,9})/) +
      sum(/unexpected successes=(\d{1,9})/);
    skipped += sum(/skipped=(\d{1,9})/) + sum(/expected failures=(\d{1,9})/);
  }
  return runs === 0 ? null : { passed: Math.max(0, ran - failed - skipped), failed, skipped };
}

/** `test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out`, once for each test program. */
function readCargo(lines: readonly string[]): TestCounts | null {
  const results = lines.filter((line) => line.startsWith('test result: '));
  if (results.length === 0) return null;
  const sum = (word: string): number => sumOf(results, new RegExp(`(?<!\\d)(\\d{1,9}) ${word}`));
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('ignored') };
}

/**
 * With `-v`, or for what fails, Go names tests: `--- FAIL: TestX (0.00s)`; then these are counted, without subtests.
 * Without, it only tells packages: `ok  	example.com/a	0.003s`; how many tests that was, nobody knows.
 */
function readGo(lines: readonly string[]): TestCounts | null {
  if (!lines.some((line) => /^(?:ok|FAIL|\?) *\t/.test(line))) return null;
  const count = (word: string): number => lines.filter((line) => line.startsWith(`--- ${word}: `)).length;
  const [passed, failed, skipped] = [count('PASS'), count('FAIL'), count('SKIP')];
  return passed + skipped === 0 ? null : { passed, failed, skipped };
}

/** What the pattern's group holds, for the lines that fit. */
function find(lines: readonly string[], pattern: RegExp): string[] {
  return lines.map((line) => pattern.exec(line)?.[1]).filter((found) => found !== undefined);
}

/** The number that the pattern's group holds, of all lines that fit. */
function sumOf(lines: readonly string[], pattern: RegExp): number {
  return find(lines, pattern).reduce((sum, found) => sum + Number(found), 0);
}
