import { describe, expect, test } from 'vitest';
import { createCaseCollector, type CaseReport } from '../../../src/runner/test-reports/case-report.ts';
import { parseReport, type ReportKind } from '../../../src/runner/test-reports/parse-report.ts';
import { readCargoLines, readGoLines } from '../../../src/runner/test-reports/read-case-lines.ts';

function parse(kind: ReportKind, text: string): CaseReport {
  const into = createCaseCollector(
    (name) => name,
    (text) => text,
  );
  parseReport(kind, text, into);
  return into.report();
}
const asObject = ({ cases }: CaseReport): Record<string, string> => Object.fromEntries(cases);

describe('reports', () => {
  test('JUnit: suites in suites, failures, errors, skipped, and the five entities', () => {
    const report = parse(
      'junit',
      `<?xml version="1.0"?><testsuites><testsuite name="s"><testcase classname="tests.test_cart" name="test_adds" time="0.1"/>
      <testcase classname="tests.test_cart" name="a &lt;b&gt; &amp; &quot;c&quot;"><failure message="x">trace <b> & more</failure></testcase>
      <testsuite name="inner"><testcase name="alone"><error/></testcase><testcase classname="k" name="s"><skipped/></testcase></testsuite>
      <system-out>&nosuch; <testcase name="printed"/></system-out></testsuite></testsuites>`,
    );

    expect(report.complete).toBe(true);
    expect(asObject(report)).toEqual({
      'tests.test_cart › test_adds': 'passed',
      'tests.test_cart › a <b> & "c"': 'failed',
      alone: 'failed',
      'k › s': 'skipped',
    });
  });

  test('Jest and Vitest: a file that can’t be loaded is a failing test', () => {
    const report = parse(
      'jest',
      JSON.stringify({
        testResults: [
          {
            name: 'src/a.test.js',
            status: 'failed',
            assertionResults: [
              { fullName: 'cart adds', status: 'passed' },
              { fullName: 'cart fails', status: 'failed' },
              { fullName: 'later', status: 'pending' },
            ],
          },
          { name: 'src/broken.test.js', status: 'failed', assertionResults: [] },
        ],
      }),
    );

    expect(asObject(report)).toEqual({
      'src/a.test.js › cart adds': 'passed',
      'src/a.test.js › cart fails': 'failed',
      'src/a.test.js › later': 'skipped',
      'src/broken.test.js': 'failed',
    });
  });

  test('RSpec, with errors outside of examples', () => {
    const report = parse(
      'rspec',
      JSON.stringify({
        examples: [
          { full_description: 'Cart adds', file_path: './spec/cart_spec.rb', status: 'passed' },
          { full_description: 'Cart fails', file_path: './spec/cart_spec.rb', status: 'failed' },
          { full_description: 'Cart waits', file_path: './spec/cart_spec.rb', status: 'pending' },
        ],
        summary: { errors_outside_of_examples_count: 1 },
      }),
    );

    expect(Object.values(asObject(report))).toEqual(['passed', 'failed', 'skipped', 'failed']);
  });

  test('TRX of dotnet', () => {
    const report = parse(
      'trx',
      `<TestRun xmlns="x"><Results><UnitTestResult testName="A.Adds" outcome="Passed"/><UnitTestResult testName="A.Fails" outcome="Failed"><Output><ErrorInfo/></Output></UnitTestResult><UnitTestResult testName="A.Skips" outcome="NotExecuted"/></Results></TestRun>`,
    );

    expect(asObject(report)).toEqual({ 'A.Adds': 'passed', 'A.Fails': 'failed', 'A.Skips': 'skipped' });
  });

  test('cargo, from what it prints on stdout', () => {
    const into = createCaseCollector(
      (name) => name,
      (text) => text,
    );
    const read = readCargoLines(into);
    for (const line of [
      'running 3 tests',
      'test tests::adds ... ok',
      'test tests::subtracts ... FAILED',
      'test tests::slow ... ignored, takes long',
      'test src/lib.rs - add (line 3) ... ok',
      'test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out',
    ]) {
      read(line, 'stdout');
    }
    read('test fake ... ok', 'stderr');

    expect(asObject(into.report())).toEqual({
      'tests::adds': 'passed',
      'tests::subtracts': 'failed',
      'tests::slow': 'skipped',
      'src/lib.rs - add (line 3)': 'passed',
    });
  });

  test('go, with the package of each test, and packages that don’t build', () => {
    const into = createCaseCollector(
      (name) => name,
      (text) => text,
    );
    const read = readGoLines(into);
    for (const line of [
      '=== RUN   TestSum',
      '    --- PASS: TestSum/one (0.00s)',
      '    --- FAIL: TestSum/two (0.00s)',
      '--- FAIL: TestSum (0.00s)',
      'FAIL\texample.com/cart\t0.003s',
      '--- PASS: TestSum (0.00s)',
      'ok  \texample.com/other\t0.003s',
      'FAIL\texample.com/broken [build failed]',
    ]) {
      read(line, 'stdout');
    }

    expect(asObject(into.report())).toEqual({
      'example.com/cart › TestSum/one': 'passed',
      'example.com/cart › TestSum/two': 'failed',
      'example.com/cart › TestSum': 'failed',
      'example.com/other › TestSum': 'passed',
      'example.com/broken › [build failed]': 'failed',
    });
  });
});

describe('hostile reports', () => {
  const deep = (count: number): string => `${'<testsuite>'.repeat(count)}${'</testsuite>'.repeat(count)}`;

  test.each<[string, ReportKind, string]>([
    ['nothing', 'junit', ''],
    ['not XML', 'junit', 'Segmentation fault'],
    ['another document', 'junit', '<html><body/></html>'],
    [
      'a bomb of entities',
      'junit',
      '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>',
    ],
    [
      'a file of the machine as an entity',
      'junit',
      '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&a;"/></testsuite>',
    ],
    ['a hundred thousand levels', 'junit', deep(100_000)],
    ['cut off JSON', 'jest', '{"testResults":[{"name":"a"'],
    ['JSON of another kind', 'jest', '[1,2,3]'],
    ['deep JSON', 'rspec', '['.repeat(200_000)],
    ['lines that are none', 'node', '["a",["b"],"passed"]\nrubbish\n'],
    ['TRX without results', 'trx', '<TestRun/>'],
  ])('%s makes the list incomplete and nothing else', (_, kind, text) => {
    const startedAt = performance.now();

    const report = parse(kind, text);

    expect(report.complete).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test('names of properties of objects do no harm', () => {
    const report = parse(
      'junit',
      '<testsuite><testcase classname="__proto__" name="constructor"/></testsuite>',
    );

    expect(report.cases.get('__proto__ › constructor')).toBe('passed');
    expect(({} as Record<string, unknown>)['@name']).toBe(undefined);
  });

  test('two tests of one name that end differently can’t be told apart', () => {
    const report = parse(
      'junit',
      '<testsuite><testcase name="a"/><testcase name="a"><failure/></testcase></testsuite>',
    );

    expect(report).toEqual({ failures: new Map(), cases: new Map([['a', 'failed']]), complete: false });
  });
});
