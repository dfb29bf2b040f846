import { stripVTControlCharacters } from 'node:util';
import type { Command, TestCounts } from '../../contract/job.ts';

/** How one framework sums up. `null` when the output has no such summary. */
type Reader = (output: string) => TestCounts | null;

/**
 * How many tests passed, failed and were skipped, by the summary that the test framework itself printed. Works on the
 * end of an output as well. `null` when no known summary is there: then nobody knows, which is not the same as zero.
 *
 * What was run says little (`npm test` may be anything), so all readers look. A summary may also have been printed by
 * the tests themselves: the counts are something to show, never to decide by.
 */
export function readTestCounts(command: Command, output: string): TestCounts | null {
  const text = stripVTControlCharacters(output).replaceAll('\r', '');
  const readers = [...READERS].sort((a, b) => rankOf(a, command) - rankOf(b, command));
  for (const { read } of readers) {
    const counts = read(text);
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
function readNodeTest(output: string): TestCounts | null {
  if (!/^[#ℹ] tests \d+$/m.test(output)) return null;
  const sum = (name: string): number => sumOf(output, new RegExp(`^[#ℹ] ${name} (\\d+)$`, 'gm'));
  return {
    passed: sum('pass'),
    failed: sum('fail') + sum('cancelled'),
    skipped: sum('skipped') + sum('todo'),
  };
}

/** `      Tests  1 failed | 2 passed | 1 skipped (4)` */
function readVitest(output: string): TestCounts | null {
  const lines = [...output.matchAll(/^\s*Tests {2,}(.*\(\d+\).*)$/gm)].map((match) => match[1] ?? '');
  if (lines.length === 0) return null;
  const summary = lines.join('\n');
  return {
    passed: sumOf(summary, /(\d+) passed/g),
    failed: sumOf(summary, /(\d+) failed/g),
    skipped: sumOf(summary, /(\d+) (?:skipped|todo)/g),
  };
}

/** `Tests:       1 failed, 2 skipped, 5 passed, 8 total` */
function readJest(output: string): TestCounts | null {
  const lines = [...output.matchAll(/^Tests: +(.*\d+ total)$/gm)].map((match) => match[1] ?? '');
  if (lines.length === 0) return null;
  const summary = lines.join('\n');
  return {
    passed: sumOf(summary, /(\d+) passed/g),
    failed: sumOf(summary, /(\d+) failed/g),
    skipped: sumOf(summary, /(\d+) (?:skipped|todo)/g),
  };
}

/** `===== 1 failed, 2 passed, 1 skipped in 0.12s =====`, or without the bars with `-q`. */
function readPytest(output: string): TestCounts | null {
  const word = '(?:failed|passed|skipped|deselected|xfailed|xpassed|errors?|warnings?|rerun|subtests passed)';
  const summary = new RegExp(
    `^(?:=+ )?((?:\\d+ ${word}(?:, )?)+|no tests ran) in [\\d.]+s(?: \\([\\d:]+\\))?(?: =+)?$`,
    'gm',
  );
  const lines = [...output.matchAll(summary)].map((match) => match[1] ?? '');
  if (lines.length === 0) return null;
  const text = lines.join('\n');
  return {
    passed: sumOf(text, /(\d+) (?:passed|xpassed)/g),
    failed: sumOf(text, /(\d+) (?:failed|errors?)/g),
    skipped: sumOf(text, /(\d+) (?:skipped|xfailed)/g),
  };
}

/** `Ran 5 tests in 0.001s`, then `OK (skipped=1)` or `FAILED (failures=1, errors=1)`. */
function readUnittest(output: string): TestCounts | null {
  const runs = [...output.matchAll(/^Ran (\d+) tests? in [\d.]+s\n\n?(OK|FAILED|NO TESTS RAN)(.*)$/gm)];
  if (runs.length === 0) return null;
  const ran = runs.reduce((sum, run) => sum + Number(run[1]), 0);
  const details = runs.map((run) => run[3] ?? '').join('\n');
  const failed = sumOf(details, /(?<!expected )(?:failures|errors|unexpected successes)=(\d+)/g);
  const skipped = sumOf(details, /(?:skipped|expected failures)=(\d+)/g);
  return { passed: Math.max(0, ran - failed - skipped), failed, skipped };
}

/** `test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out`, once for each test program. */
function readCargo(output: string): TestCounts | null {
  if (!/^test result: /m.test(output)) return null;
  const sum = (word: string): number => sumOf(output, new RegExp(`^test result: .*?(\\d+) ${word}`, 'gm'));
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('ignored') };
}

/**
 * With `-v`, or for what fails, Go names tests: `--- FAIL: TestX (0.00s)`; then these are counted, without subtests.
 * Without, it only tells packages: `ok  	example.com/a	0.003s`; how many tests that was, nobody knows.
 */
function readGo(output: string): TestCounts | null {
  if (!/^(?:ok|FAIL|\?) *\t/m.test(output)) return null;
  const count = (word: string): number => [...output.matchAll(new RegExp(`^--- ${word}: `, 'gm'))].length;
  const [passed, failed, skipped] = [count('PASS'), count('FAIL'), count('SKIP')];
  return passed + skipped === 0 ? null : { passed, failed, skipped };
}

function sumOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((sum, match) => sum + Number(match[1]), 0);
}
