import { stripVTControlCharacters } from 'node:util';
import type { CaseCollector } from './case-report.ts';

/** Reads tests off the lines that a framework prints, where it writes no report. */
export type LineReader = (line: string, stream: 'stdout' | 'stderr') => void;

/** Longer lines are output of tests. */
const MAX_LINE = 1000;
const MAX_SAID = 50;

/** `test parser::reads_numbers ... ok`, of `cargo test`. */
export function readCargoLines(into: CaseCollector): LineReader {
  let explaining: string | null = null;
  return (line, stream) => {
    if (stream !== 'stdout' || line.length > MAX_LINE) return;
    // Below the list stands the output of each that failed, until the list of their names.
    const [, about] = /^---- (\S.*) stdout ----$/.exec(line) ?? [];
    if (about !== undefined) {
      explaining = about;
      return;
    }
    if (line === 'failures:') explaining = null;
    if (explaining !== null && line !== '') into.explain(explaining, line);
    const [, name, how] =
      /^test (\S.*?) \.\.\. (ok|FAILED|ignored)\b/.exec(stripVTControlCharacters(line)) ?? [];
    if (name === undefined) return;
    into.add(name, how === 'ok' ? 'passed' : how === 'ignored' ? 'skipped' : 'failed');
  };
}

/** `--- FAIL: TestSum/empty (0.00s)`, of `go test -v`. The package stands below its tests: `FAIL	example.com/cart	0.01s`. */
export function readGoLines(into: CaseCollector): LineReader {
  /** What a test has printed with its place: `    cart_test.go:12: got 1`. */
  let said = new Map<string, string[]>();
  let speaking = '';
  let open: { name: string; status: 'passed' | 'failed' | 'skipped' }[] = [];
  const statuses = { PASS: 'passed', FAIL: 'failed', SKIP: 'skipped' } as const;
  return (line, stream) => {
    if (stream !== 'stdout' || line.length > MAX_LINE) return;
    speaking = /^=== (?:RUN|CONT|NAME) +(\S+)$/.exec(line)?.[1] ?? speaking;
    if (/^ +\S+\.go:\d+: /.test(line)) said.set(speaking, [...(said.get(speaking) ?? []), line.trim()]);
    const [, how, name] = /^ *--- (PASS|FAIL|SKIP): (\S+) \(/.exec(line) ?? [];
    if (how !== undefined && name !== undefined) {
      // One of the three, by the pattern.
      open.push({ name, status: statuses[how as keyof typeof statuses] });
      // Without -v, what it printed stands below.
      speaking = name;
      return;
    }
    const [, verdict, place, rest = ''] = /^(ok|FAIL|\?) *\t(\S+)(.*)$/.exec(line) ?? [];
    if (verdict === undefined || place === undefined) return;
    for (const test of open) {
      into.add(`${place} › ${test.name}`, test.status);
      const text = said.get(test.name)?.slice(0, MAX_SAID).join('\n');
      if (test.status === 'failed' && text !== undefined) into.explain(`${place} › ${test.name}`, text);
    }
    // It does not build, or died before any test was told of.
    if (verdict === 'FAIL' && open.every(({ status }) => status !== 'failed')) {
      into.add(`${place} ›${rest.includes('[') ? ` ${rest.trim()}` : ' (package)'}`, 'failed');
    }
    open = [];
    said = new Map();
  };
}
