import { stripVTControlCharacters } from 'node:util';
import type { CaseCollector } from './case-report.ts';

/** Reads tests off the lines that a framework prints, where it writes no report. */
export type LineReader = (line: string, stream: 'stdout' | 'stderr') => void;

/** Longer lines are output of tests. */
const MAX_LINE = 1000;

/** `test parser::reads_numbers ... ok`, of `cargo test`. */
export function readCargoLines(into: CaseCollector): LineReader {
  return (line, stream) => {
    if (stream !== 'stdout' || line.length > MAX_LINE) return;
    const [, name, how] =
      /^test (\S.*?) \.\.\. (ok|FAILED|ignored)\b/.exec(stripVTControlCharacters(line)) ?? [];
    if (name === undefined) return;
    into.add(name, how === 'ok' ? 'passed' : how === 'ignored' ? 'skipped' : 'failed');
  };
}

/** `--- FAIL: TestSum/empty (0.00s)`, of `go test -v`. The package stands below its tests: `FAIL	example.com/cart	0.01s`. */
export function readGoLines(into: CaseCollector): LineReader {
  let open: { name: string; status: 'passed' | 'failed' | 'skipped' }[] = [];
  const statuses = { PASS: 'passed', FAIL: 'failed', SKIP: 'skipped' } as const;
  return (line, stream) => {
    if (stream !== 'stdout' || line.length > MAX_LINE) return;
    const [, how, name] = /^ *--- (PASS|FAIL|SKIP): (\S+) \(/.exec(line) ?? [];
    if (how !== undefined && name !== undefined) {
      // One of the three, by the pattern.
      open.push({ name, status: statuses[how as keyof typeof statuses] });
      return;
    }
    const [, verdict, place, rest = ''] = /^(ok|FAIL|\?) *\t(\S+)(.*)$/.exec(line) ?? [];
    if (verdict === undefined || place === undefined) return;
    for (const test of open) into.add(`${place} › ${test.name}`, test.status);
    // It does not build, or died before any test was told of.
    if (verdict === 'FAIL' && open.every(({ status }) => status !== 'failed')) {
      into.add(`${place} ›${rest.includes('[') ? ` ${rest.trim()}` : ' (package)'}`, 'failed');
    }
    open = [];
  };
}
