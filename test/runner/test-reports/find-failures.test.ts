import { expect, test } from 'vitest';
import { createCaseCollector } from '../../../src/runner/test-reports/case-report.ts';
import { findFailures, type ToldTests } from '../../../src/runner/test-reports/find-failures.ts';
import { parseReport, type ReportKind } from '../../../src/runner/test-reports/parse-report.ts';
import {
  readCargoLines,
  readGoLines,
  type LineReader,
} from '../../../src/runner/test-reports/read-case-lines.ts';

const FILES = [
  'backend/test/cart.test.js',
  'tests/test_cart.py',
  'src/lib.rs',
  'cart/cart_test.go',
  'spec/cart_spec.rb',
  'src/test/java/shop/CartTest.java',
  'a/twice.js',
  'b/twice.js',
];

function collect(read: (into: ReturnType<typeof createCaseCollector>) => void): ToldTests {
  const into = createCaseCollector(
    (name) => name,
    (text) => text.replaceAll('/checkout/', ''),
  );
  read(into);
  return into.report();
}
const report = (kind: ReportKind, text: unknown) =>
  collect((into) => parseReport(kind, typeof text === 'string' ? text : JSON.stringify(text), into));
const lines = (reader: (into: ReturnType<typeof createCaseCollector>) => LineReader, text: string) =>
  collect((into) => {
    const read = reader(into);
    for (const line of text.split('\n')) read(line, 'stdout');
  });

test.each<[string, ToldTests, { path: string; line: number } | null, RegExp]>([
  [
    'pytest, by JUnit',
    report(
      'junit',
      '<testsuites><testsuite><testcase classname="t" name="x" file="tests/test_cart.py" line="3"><failure message="assert 1 == 2">def test_x():&#10;&gt; assert 1 == 2&#10;tests/test_cart.py:5: AssertionError</failure></testcase></testsuite></testsuites>',
    ),
    { path: 'tests/test_cart.py', line: 5 },
    /^def test_x\(\):\n> assert 1 == 2\n/m,
  ],
  [
    'JUnit of Java, which names files without folders',
    report(
      'junit',
      '<testsuite><testcase classname="shop.CartTest" name="adds"><failure message="no" type="E"><![CDATA[E: no\n\tat shop.CartTest.adds(CartTest.java:12)]]></failure></testcase></testsuite>',
    ),
    { path: 'src/test/java/shop/CartTest.java', line: 12 },
    /^E: no/,
  ],
  [
    'node:test, in a folder of its own',
    report(
      'node',
      '["test/cart.test.js",["adds"],"failed","AssertionError: 1 !== 2\\n    at file:///checkout/backend/test/cart.test.js:9:3",7]',
    ),
    { path: 'backend/test/cart.test.js', line: 9 },
    /^AssertionError/,
  ],
  [
    'node:test, without a word but with the line of the test',
    report('node', '["test/cart.test.js",["adds"],"failed","undefined",7]'),
    { path: 'backend/test/cart.test.js', line: 7 },
    /undefined/,
  ],
  [
    'Jest',
    report('jest', {
      testResults: [
        {
          name: '/checkout/backend/test/cart.test.js',
          status: 'failed',
          assertionResults: [
            {
              fullName: 'adds',
              status: 'failed',
              location: null,
              failureMessages: [
                'Error: no\n    at Object.<anonymous> (/checkout/backend/test/cart.test.js:4:2)',
              ],
            },
          ],
        },
      ],
    }),
    { path: 'backend/test/cart.test.js', line: 4 },
    /^Error: no/,
  ],
  [
    'RSpec',
    report('rspec', {
      examples: [
        {
          full_description: 'Cart adds',
          status: 'failed',
          file_path: './spec/cart_spec.rb',
          line_number: 3,
          exception: { message: 'no', backtrace: null },
        },
      ],
    }),
    { path: 'spec/cart_spec.rb', line: 3 },
    /^no$/,
  ],
  [
    'go',
    lines(
      readGoLines,
      '=== RUN   TestSum\n    cart_test.go:12: got 1\n--- FAIL: TestSum (0.00s)\nFAIL\nFAIL\texample.com/cart\t0.01s',
    ),
    { path: 'cart/cart_test.go', line: 12 },
    /got 1/,
  ],
  [
    'cargo',
    lines(
      readCargoLines,
      "test t::adds ... FAILED\n\nfailures:\n\n---- t::adds stdout ----\nthread 't::adds' panicked at src/lib.rs:10:5:\nno\n\n\nfailures:\n    t::adds",
    ),
    { path: 'src/lib.rs', line: 10 },
    /panicked at src\/lib\.rs:10:5:\nno$/,
  ],
  [
    'a file that there are two of',
    report('node', '["twice.js",["x"],"failed","at twice.js:1",1]'),
    null,
    /twice/,
  ],
  [
    'a file that is not in the work',
    report('node', '["x.js",["x"],"failed","at /etc/passwd.d:1",1]'),
    null,
    /passwd/,
  ],
])('%s', async (_name, told, place, message) => {
  expect(await findFailures([told], async () => FILES)).toEqual([
    { name: expect.any(String), message: expect.stringMatching(message), place },
  ]);
});

test('only what fails in the end is told, and no file is asked for in vain', async () => {
  const flaky = report('node', '["a.js",["x"],"failed","at a.js:1",1]');
  const never = () => Promise.reject(new Error('nothing is to be looked for'));

  expect(await findFailures([{ ...flaky, cases: new Map([['a.js › x', 'passed']]) }], never)).toBeUndefined();
  expect(await findFailures([report('rspec', { examples: [] })], never)).toBeUndefined();
});
