import { describe, expect, test } from 'vitest';
import {
  type LineCoverage,
  parseCoverage,
  toRepositoryPaths,
} from '../../../src/runner/test-reports/parse-coverage.ts';
import { wantCoverage } from '../../../src/runner/test-reports/want-coverage.ts';

const reportFolder = '/tmp/reports';

describe('a test command is asked for its coverage', () => {
  test.each([
    ['npm test', 'vitest run', 'npm test -- --coverage.enabled=true --coverage.reporter=lcovonly'],
    [
      'npx jest',
      null,
      'npx jest --coverage --coverageReporters=lcovonly --coverageDirectory=/tmp/reports/coverage',
    ],
    ['npm test', 'node --test', 'npm test -- --experimental-test-coverage --test-reporter=lcov'],
    ['node --test', null, 'node --test --experimental-test-coverage'],
    ['go test ./...', null, 'go test -coverprofile=/tmp/reports/go.cover ./...'],
    ['python3 -m pytest -q', null, 'python3 -m pytest -q'],
  ])('%s (%s)', (command, script, asked) => {
    const wanted = wantCoverage(command.split(' '), { reportFolder, script });

    expect(wanted?.command.join(' ')).toMatch(new RegExp(`^${asked.replaceAll('.', String.raw`\.`)}`));
    expect(wanted?.file.startsWith(`${reportFolder}/`)).toBe(true);
  });

  test.each([
    ['npm test', 'node --test test/'],
    ['npm test', 'tsc && vitest run'],
    ['cargo test', null],
    ['make test', null],
  ])('or is left alone, where that could change what it does: %s (%s)', (command, script) => {
    expect(wantCoverage(command.split(' '), { reportFolder, script })).toBe(null);
  });
});

describe('a report of covered lines', () => {
  const read = (kind: 'lcov' | 'go', text: string): LineCoverage => {
    const into: LineCoverage = new Map();
    parseCoverage(kind, text, into);
    return into;
  };
  const shown = (coverage: LineCoverage) =>
    Object.fromEntries([...coverage].map(([path, lines]) => [path, Object.fromEntries(lines)]));

  test('of lcov adds up what several parts say, and skips what it can’t read', () => {
    const report = read(
      'lcov',
      'TN:\nDA:1,1\nSF:src/a.js\nDA:1,0\nDA:2,3\nDA:x,y\nBRDA:1,0,0,1\nend_of_record\nSF:src/a.js\nDA:1,1\n',
    );

    expect(shown(report)).toEqual({ 'src/a.js': { 1: true, 2: true } });
  });

  test('of Go has blocks of lines', () => {
    const report = read(
      'go',
      'mode: set\nexample.com/cart/cart.go:3.20,5.2 1 0\nexample.com/cart/cart.go:5.2,6.3 1 1\n',
    );

    expect(shown(report)).toEqual({ 'example.com/cart/cart.go': { 3: false, 4: false, 5: true, 6: true } });
  });

  test('can’t claim lines without end', () => {
    const startedMs = performance.now();

    read('go', 'a/b.go:1.1,999999999.1 1 1\n'.repeat(1000));

    expect(performance.now() - startedMs).toBeLessThan(5000);
  });

  test.each([
    ['/project/src/a.js', '', 'src/a.js'],
    ['a.js', 'web', 'web/a.js'],
    ['src/a.js', '', 'src/a.js'],
    ['example.com/cart/src/a.js', '', 'src/a.js'],
    ['/elsewhere/b.js', '', undefined],
    ['../src/a.js', '', undefined],
  ])('is about files of the repository: %s in "%s"', (name, place, path) => {
    const coverage: LineCoverage = new Map([[name, new Map([[1, true]])]]);

    const found = toRepositoryPaths(coverage, {
      folder: '/project',
      place,
      paths: ['a.js', 'src/a.js', 'web/a.js'],
    });

    expect([...found.keys()]).toEqual(path === undefined ? [] : [path]);
  });
});
