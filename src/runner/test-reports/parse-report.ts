import { XMLParser } from 'fast-xml-parser';
import type { CaseCollector, CaseStatus } from './case-report.ts';

/** What a report file may be. All of them were written by code of the repository: nothing in them is to be believed but for what it says. */
export type ReportKind = 'junit' | 'trx' | 'jest' | 'rspec' | 'node';

/** Suites in suites in suites: far beyond what any framework writes, far below what a stack takes. */
const MAX_NESTING = 64;
/** Of what is said of one failing test. */
const MAX_RAW_TEXT = 20_000;

/** Reads one report into the collector. Whatever is no such report makes the collection incomplete; never throws. */
export function parseReport(kind: ReportKind, text: string, into: CaseCollector): void {
  try {
    switch (kind) {
      case 'junit':
        return readJUnit(parseXml(text), into, 0);
      case 'trx':
        return readTrx(parseXml(text), into);
      case 'jest':
        return readJest(JSON.parse(text), into);
      case 'rspec':
        return readRspec(JSON.parse(text), into);
      case 'node':
        return readNodeLines(text, into);
      default:
        kind satisfies never;
    }
  } catch {
    // Cut off, broken, or made to break us: as good as not written.
    into.markIncomplete();
  }
}

function parseXml(text: string): unknown {
  // No framework writes one, and entities of the document's own are only good for bombs.
  if (/<!DOCTYPE|<!ENTITY/i.test(text)) throw new Error('A report with a document type');
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    parseAttributeValue: false,
    // The five of XML itself; those of a document were refused above.
    processEntities: true,
    maxNestedTags: MAX_NESTING,
    isArray: (name) => ['testsuite', 'testcase', 'UnitTestResult'].includes(name),
    // Output of the tests is the bulk of a report and is of no use here.
    stopNodes: ['*.system-out', '*.system-err', '*.failure', '*.error', '*.properties', '*.Output'],
  });
  return parser.parse(text);
}

/** `<testsuites>`, `<testsuite>` (in one another) and `<testcase classname name>` with what became of it inside. */
function readJUnit(node: unknown, into: CaseCollector, depth: number): void {
  if (!isObject(node) || depth > MAX_NESTING) return;
  if (depth === 0 && node['testsuites'] === undefined && node['testsuite'] === undefined) {
    into.markIncomplete();
  }
  for (const testCase of toArray(node['testcase'])) {
    if (!isObject(testCase)) continue;
    const name = [testCase['@classname'], testCase['@name']]
      .filter((part) => typeof part === 'string' && part !== '')
      .join(' › ');
    if (name === '') continue;
    const status = toJUnitStatus(testCase);
    into.add(name, status);
    if (status === 'failed') {
      const place = { path: testCase['@file'], line: testCase['@line'] };
      into.explain(name, toJUnitText(testCase['failure'] ?? testCase['error']), place);
    }
  }
  for (const below of [...toArray(node['testsuites']), ...toArray(node['testsuite'])]) {
    readJUnit(below, into, depth + 1);
  }
}

function toJUnitStatus(testCase: Record<string, unknown>): CaseStatus {
  if (testCase['failure'] !== undefined || testCase['error'] !== undefined) return 'failed';
  return testCase['skipped'] !== undefined ? 'skipped' : 'passed';
}

/** The message and what stands between the tags, which was left unparsed. */
function toJUnitText(failure: unknown): string {
  const [first] = toArray(failure);
  if (typeof first === 'string') return toText(first);
  if (!isObject(first)) return '';
  const said = [first['@message'], typeof first['#text'] === 'string' ? toText(first['#text']) : ''];
  // Many frameworks say the message twice.
  const [message = '', text = ''] = said.map((part) => (typeof part === 'string' ? part : ''));
  return text.includes(message) ? text : `${message}\n${text}`;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Raw XML as text. */
function toText(xml: string): string {
  return xml
    .slice(0, MAX_RAW_TEXT)
    .replaceAll(/<!\[CDATA\[|\]\]>/g, '')
    .replaceAll(/&(lt|gt|amp|quot|apos|#10|#xa|#9|#x9|#13|#xd);/gi, (_whole, name: string) => {
      const known = ENTITIES[name.toLowerCase()];
      return known ?? (/^#x?9$/i.test(name) ? '\t' : '\n');
    });
}

/** What `dotnet test --logger trx` writes. */
function readTrx(document: unknown, into: CaseCollector): void {
  const results = isObject(document) && isObject(document['TestRun']) ? document['TestRun']['Results'] : null;
  if (!isObject(results)) return into.markIncomplete();
  for (const result of toArray(results['UnitTestResult'])) {
    if (!isObject(result) || typeof result['@testName'] !== 'string') continue;
    const outcome = result['@outcome'];
    into.add(
      result['@testName'],
      outcome === 'Passed' ? 'passed' : outcome === 'NotExecuted' ? 'skipped' : 'failed',
    );
    const output = result['Output'];
    if (outcome === 'Failed' && typeof output === 'string')
      into.explain(result['@testName'], toText(output.replaceAll(/<\/?\w+>/g, '\n')));
  }
}

/** The JSON of Jest, which Vitest writes too. A file that could not be loaded has no tests, and a status of its own. */
function readJest(document: unknown, into: CaseCollector): void {
  if (!isObject(document) || !Array.isArray(document['testResults'])) return into.markIncomplete();
  for (const file of document['testResults']) {
    if (!isObject(file)) continue;
    const tests = toArray(file['assertionResults']).filter(isObject);
    const path = typeof file['name'] === 'string' ? file['name'] : '';
    if (file['status'] === 'failed' && tests.every((test) => test['status'] !== 'failed')) {
      into.add(path, 'failed');
    }
    for (const test of tests) {
      const title = test['fullName'] ?? test['title'];
      if (typeof title !== 'string') continue;
      const { status } = test;
      into.add(
        `${path} › ${title}`,
        status === 'passed' ? 'passed' : status === 'failed' ? 'failed' : 'skipped',
      );
      if (status !== 'failed') continue;
      const location = isObject(test['location']) ? test['location'] : {};
      const messages = toArray(test['failureMessages']).filter((message) => typeof message === 'string');
      into.explain(`${path} › ${title}`, messages.join('\n'), { path, line: location['line'] });
    }
  }
}

function readRspec(document: unknown, into: CaseCollector): void {
  if (!isObject(document) || !Array.isArray(document['examples'])) return into.markIncomplete();
  for (const example of document['examples']) {
    if (!isObject(example) || typeof example['full_description'] !== 'string') continue;
    const path = typeof example['file_path'] === 'string' ? `${example['file_path']} › ` : '';
    const { status } = example;
    into.add(
      `${path}${example['full_description']}`,
      status === 'passed' ? 'passed' : status === 'failed' ? 'failed' : 'skipped',
    );
    if (status !== 'failed' || !isObject(example['exception'])) continue;
    const { message, backtrace } = example['exception'];
    const text = [message, ...toArray(backtrace)].filter((line) => typeof line === 'string').join('\n');
    const place = { path: example['file_path'], line: example['line_number'] };
    into.explain(`${path}${example['full_description']}`, text, place);
  }
  // Errors outside of examples, such as a file that can't be loaded.
  const summary = document['summary'];
  if (isObject(summary) && Number(summary['errors_outside_of_examples_count'] ?? 0) > 0) {
    into.add('(outside of examples)', 'failed');
  }
}

/** What our own reporter for `node:test` writes (`node-reporter.ts`): one JSON array a line. */
function readNodeLines(text: string, into: CaseCollector): void {
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const parsed: unknown = JSON.parse(line);
    if (!Array.isArray(parsed)) throw new Error('Not a line of the reporter');
    const [file, names, status, why, place] = parsed as unknown[];
    if (typeof file !== 'string' || !Array.isArray(names)) continue;
    const title = names.filter((name) => typeof name === 'string').join(' › ');
    // A file that can't be loaded fails under its own name.
    const name = file === '' || title === file ? title : `${file} › ${title}`;
    if (name === '') continue;
    into.add(name, toNodeStatus(status));
    if (typeof why === 'string' && why !== '') into.explain(name, why, { path: file, line: place });
  }
}

function toNodeStatus(status: unknown): CaseStatus {
  return status === 'passed' || status === 'skipped' ? status : 'failed';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toArray(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}
