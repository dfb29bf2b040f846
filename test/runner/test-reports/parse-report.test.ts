import { readFileSync } from 'node:fs';
import path from 'node:path';
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
/** What a framework really wrote, in a repository at `/repo`; its own files are cleaned away as those of a workspace are. */
function parseRecorded(kind: ReportKind, name: string): CaseReport {
  const clean = (text: string) => text.replaceAll('/repo/', '');
  const into = createCaseCollector(clean, clean);
  parseReport(
    kind,
    readFileSync(path.join(import.meta.dirname, '../../fixtures/reports', name), 'utf8'),
    into,
  );
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

  test('Jest, recorded: todo, skipped, and a file that can’t be loaded, which is a failing test', () => {
    const report = parseRecorded('jest', 'jest-29.7.json');

    expect(asObject(report)).toEqual({
      'src/cart.test.js › a cart adds up': 'passed',
      'src/cart.test.js › a cart with a coupon costs "less" & <never> nothing': 'failed',
      'src/cart.test.js › a cart is sent': 'skipped',
      'src/cart.test.js › a cart is paid for': 'skipped',
      'src/cart.test.js › a cart waits': 'failed',
      'src/broken.test.js': 'failed',
    });
    expect(report.complete).toBe(true);
    const failure = report.failures.get(
      'src/cart.test.js › a cart with a coupon costs "less" & <never> nothing',
    );
    expect(failure?.message).toMatch(/^Error: expect\(received\).*\n\nExpected: 4\nReceived: 5\n/);
    expect(failure?.places).toContainEqual({ path: 'src/cart.test.js', line: 10 });
  });

  test('RSpec, recorded', () => {
    const report = parseRecorded('rspec', 'rspec-3.12-cart.json');

    expect(Object.entries(asObject(report))).toEqual([
      [expect.stringMatching(/a cart adds up$/), 'passed'],
      [expect.stringMatching(/a cart is sent$/), 'skipped'],
      [expect.stringMatching(/a cart is paid for$/), 'skipped'],
      [expect.stringMatching(/a cart waits$/), 'failed'],
      [expect.stringMatching(/a cart with a coupon costs "less" & <never> nothing$/), 'failed'],
    ]);
    expect(report.complete).toBe(true);
    const [waits, coupon] = [...report.failures.values()];
    expect(waits?.message).toContain('out of stock');
    expect(coupon?.message).toContain('expected: 4\n     got: 5');
    expect(coupon?.places).toContainEqual({ path: 'spec/cart_spec.rb', line: 5 });
  });

  test('RSpec, recorded: an error outside of examples is a failing test', () => {
    expect(Object.values(asObject(parseRecorded('rspec', 'rspec-3.12-broken.json')))).toEqual(['failed']);
  });

  test('PHPUnit, recorded: data sets are tests of their own', () => {
    const report = parseRecorded('junit', 'phpunit-9.6.xml');

    expect(asObject(report)).toEqual({
      'CartTest › testAddsUp': 'passed',
      'CartTest › testCosts with data set "whole"': 'passed',
      'CartTest › testCosts with data set "with a coupon"': 'failed',
      'CartTest › testIsSent': 'skipped',
      'CartTest › testIsPaidFor': 'skipped',
      'CartTest › testWaits': 'failed',
    });
    expect(report.complete).toBe(true);
    const failure = report.failures.get('CartTest › testCosts with data set "with a coupon"');
    expect(failure?.message).toContain(
      'costs "less" & <never> nothing\nFailed asserting that 5 is identical to 4.',
    );
    expect(failure?.places).toContainEqual({ path: 'tests/CartTest.php', line: 9 });
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
