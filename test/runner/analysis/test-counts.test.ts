import { describe, expect, it } from 'vitest';
import { readTestCounts } from '../../../src/runner/analysis/test-counts.ts';

const TAP = `not ok 2 - b
  ---
  duration_ms: 0.16
  ...
1..4
# tests 4
# suites 0
# pass 1
# fail 1
# cancelled 0
# skipped 1
# todo 1
# duration_ms 40.06387
`;

const SPEC = `✔ a (0.5ms)
ℹ tests 12
ℹ suites 3
ℹ pass 10
ℹ fail 1
ℹ cancelled 1
ℹ skipped 0
ℹ todo 0
ℹ duration_ms 51.41876

✖ failing tests:
`;

const VITEST = `
\u001B[2m Test Files \u001B[22m \u001B[1m\u001B[31m1 failed\u001B[39m\u001B[22m\u001B[90m (1)\u001B[39m
\u001B[2m      Tests \u001B[22m \u001B[1m\u001B[31m1 failed\u001B[39m\u001B[22m\u001B[2m | \u001B[22m\u001B[1m\u001B[32m14 passed\u001B[39m\u001B[22m\u001B[2m | \u001B[22m\u001B[33m2 skipped\u001B[39m\u001B[2m | \u001B[22m1 todo\u001B[90m (18)\u001B[39m
\u001B[2m   Start at \u001B[22m 16:47:35
`;

const JEST = `Test Suites: 1 failed, 2 passed, 3 total
Tests:       1 failed, 1 skipped, 1 todo, 5 passed, 8 total
Snapshots:   0 total
Time:        1.234 s
Ran all test suites.
`;

const PYTEST = `FAILED test_p.py::test_b - assert 0
ERROR test_p.py::test_e - ValueError
========== 1 failed, 7 passed, 1 skipped, 1 xfailed, 1 error in 0.54s ==========
`;

const UNITTEST = `----------------------------------------------------------------------
Ran 6 tests in 0.000s

FAILED (failures=1, errors=1, skipped=1, expected failures=1, unexpected successes=1)
`;

const CARGO = `failures:
    b

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.07s

error: test failed, to rerun pass \`--lib\`
   Doc-tests cr

running 2 tests

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`;

const GO = `=== RUN   TestA
--- PASS: TestA (0.00s)
=== RUN   TestB
=== RUN   TestB/sub
    a_test.go:9: wrong
--- FAIL: TestB (0.00s)
    --- FAIL: TestB/sub (0.00s)
--- SKIP: TestC (0.00s)
FAIL
FAIL\texample.com/a\t0.003s
?   \texample.com/a/cmd\t[no test files]
FAIL
`;

describe('the counts of a test run', () => {
  it.each([
    ['node:test in TAP', ['node', '--test'], TAP, { passed: 1, failed: 1, skipped: 2 }],
    ['node:test for people', ['npm', 'test'], SPEC, { passed: 10, failed: 2, skipped: 0 }],
    ['vitest, in colour', ['npm', 'test'], VITEST, { passed: 14, failed: 1, skipped: 3 }],
    [
      'vitest, all green',
      ['npx', 'vitest'],
      '      Tests  3 passed (3)\n',
      { passed: 3, failed: 0, skipped: 0 },
    ],
    ['jest', ['npm', 'test'], JEST, { passed: 5, failed: 1, skipped: 2 }],
    [
      'jest, all green',
      ['npx', 'jest'],
      'Tests:       2 passed, 2 total\n',
      { passed: 2, failed: 0, skipped: 0 },
    ],
    ['pytest', ['python3', '-m', 'pytest'], PYTEST, { passed: 7, failed: 2, skipped: 2 }],
    [
      'pytest -q',
      ['pytest', '-q'],
      '3 passed, 1 warning in 61.20s (0:01:01)\n',
      { passed: 3, failed: 0, skipped: 0 },
    ],
    [
      'pytest without tests',
      ['pytest'],
      '==== no tests ran in 0.49s ====\n',
      { passed: 0, failed: 0, skipped: 0 },
    ],
    ['unittest', ['python3', '-m', 'unittest'], UNITTEST, { passed: 1, failed: 3, skipped: 2 }],
    [
      'unittest, one test',
      ['make', 'test'],
      'Ran 1 test in 0.000s\n\nOK\n',
      { passed: 1, failed: 0, skipped: 0 },
    ],
    ['cargo, several programs', ['cargo', 'test'], CARGO, { passed: 3, failed: 1, skipped: 1 }],
    ['go test -v', ['go', 'test', '-v', './...'], GO, { passed: 1, failed: 1, skipped: 1 }],
    [
      'Windows line ends',
      ['npm', 'test'],
      SPEC.replaceAll('\n', '\r\n'),
      { passed: 10, failed: 2, skipped: 0 },
    ],
    [
      'two packages, one after the other',
      ['npm', 'test'],
      SPEC + SPEC,
      { passed: 20, failed: 4, skipped: 0 },
    ],
  ])('are read from %s', (_, command, output, counts) => {
    expect(readTestCounts(command, output)).toEqual(counts);
  });

  it.each([
    ['nothing', ''],
    ['a crash', 'Error: Cannot find module'],
    ['packages of Go without names of tests', 'ok  \texample.com/a\t0.003s\n'],
    [
      'prose that mentions tests',
      'I ran 5 tests, 3 passed in 2s\nTests are nice (4)\n# tests of the parser\n',
    ],
  ])('are unknown after %s', (_, output) => {
    expect(readTestCounts(['npm', 'test'], output)).toBeNull();
  });

  it('come from the framework that the command names, if several summed up', () => {
    const both = `${SPEC}\n${PYTEST}`;

    expect(readTestCounts(['python3', '-m', 'pytest'], both)).toEqual({ passed: 7, failed: 2, skipped: 2 });
    expect(readTestCounts(['node', '--test'], both)).toEqual({ passed: 10, failed: 2, skipped: 0 });
  });

  it.each([
    ['line ends', '\n'.repeat(64 * 1024)],
    ['spaces', ' '.repeat(64 * 1024)],
    ['spaces on many lines', `${' '.repeat(499)}\n`.repeat(130)],
    ['digits', '9'.repeat(64 * 1024)],
    ['digits after what a summary begins with', `Tests  (1)${'9'.repeat(64 * 1024)}`],
    ['digits of many results of cargo', `test result: ${'9'.repeat(480)}\n`.repeat(130)],
    ['parts of a summary of pytest', '1 passed, '.repeat(6400)],
    ['parts on many lines', `${'1 passed, '.repeat(49)}\n`.repeat(130)],
    ['brackets', `Tests  ${'(1'.repeat(240)}\n`.repeat(130)],
    ['commands to a terminal that never end', '\u001B]a;'.repeat(16 * 1024)],
    ['equals signs', `${'='.repeat(499)}\n`.repeat(130)],
  ])('take about as long to read from %s as from any output', (_, hostile) => {
    const benign = 'a line of text, as tests print it, 12 of them\n'.repeat(1400);

    const ratio = fastestMs(hostile) / fastestMs(benign);

    // What was quadratic in the whole output took hundreds of times as long.
    expect(ratio).toBeLessThan(25);
  });

  it('are not read from lines that are longer than any summary', () => {
    expect(readTestCounts(['npx', 'jest'], `Tests: ${' '.repeat(500)}2 passed, 2 total\n`)).toBeNull();
  });
});

/** Of a few tries, so that other work on the machine does not count. */
function fastestMs(output: string): number {
  const tries = [1, 2, 3, 4].map(() => {
    const startedMs = performance.now();
    readTestCounts(['npm', 'test'], output);
    return performance.now() - startedMs;
  });
  return Math.min(...tries);
}
