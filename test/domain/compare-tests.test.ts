import { describe, expect, test } from 'vitest';
import type { TestRun } from '../../src/contract/evidence.ts';
import { type CommandTests, compareTests, judgeTests, mergeRerun } from '../../src/domain/compare-tests.ts';

type Status = 'passed' | 'failed' | 'skipped';

function ran(cases: Record<string, Status> | null, overrides: Partial<CommandTests> = {}): CommandTests {
  const failed = Object.values(cases ?? {}).includes('failed');
  return {
    key: 'npm test',
    passed: cases !== null && !failed,
    cases: cases === null ? null : new Map(Object.entries(cases)),
    complete: true,
    flaky: [],
    ...overrides,
  };
}

describe('what became of single tests', () => {
  test('is told by name', () => {
    const before = [
      ran({ same: 'passed', bug: 'failed', old: 'failed', removed: 'passed', quiet: 'skipped' }),
    ];
    const after = [
      ran({ same: 'failed', bug: 'passed', old: 'failed', added: 'passed', new: 'failed', quiet: 'skipped' }),
    ];

    expect(compareTests(before, after)).toEqual({
      newlyPassing: { names: ['bug', 'added'], total: 2 },
      newlyFailing: { names: ['same', 'new'], total: 2 },
      stillFailing: { names: ['old'], total: 1 },
      flaky: { names: [], total: 0 },
      gone: { names: ['removed'], total: 1 },
      complete: true,
    });
  });

  test('is not known where no command tells of any', () => {
    expect(compareTests([ran(null)], [ran(null)])).toBe(undefined);
  });

  test('keeps commands apart that have tests of one name', () => {
    const before = [ran({ adds: 'failed' }, { key: 'a' }), ran({ adds: 'passed' }, { key: 'b' })];
    const after = [ran({ adds: 'passed' }, { key: 'a' }), ran({ adds: 'failed' }, { key: 'b' })];

    expect(compareTests(before, after)).toMatchObject({
      newlyPassing: { total: 1 },
      newlyFailing: { total: 1 },
      stillFailing: { total: 0 },
    });
  });

  test.each([
    ['a red command that told of no failing test', ran({ a: 'passed' }, { passed: false })],
    ['a red command that told of no test', ran(null)],
    ['a report that lacks some', ran({ a: 'failed' }, { complete: false })],
  ])('is not all for %s', (_, after) => {
    expect(compareTests([ran({ a: 'failed' })], [after])?.complete).toBe(false);
  });

  test('keeps fifty names and the number of all', () => {
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, at) => [`test ${at}`, 'failed' as const]));

    const { stillFailing } = compareTests([ran(many)], [ran(many)]) ?? {};

    expect(stillFailing?.names).toHaveLength(50);
    expect(stillFailing?.total).toBe(70);
  });
});

describe('a command that was run once more', () => {
  test('has flaky tests where one run says so and the other not', () => {
    const merged = mergeRerun(
      ran({ shaky: 'failed', bad: 'failed' }),
      ran({ shaky: 'passed', bad: 'failed' }),
    );

    expect(merged).toMatchObject({ passed: false, flaky: ['shaky'] });
    expect(merged.cases).toEqual(
      new Map([
        ['shaky', 'passed'],
        ['bad', 'failed'],
      ]),
    );
  });

  test('is flaky itself where it tells of no tests', () => {
    const merged = mergeRerun(ran(null), ran(null, { passed: true }));

    expect(merged).toMatchObject({ passed: true, flaky: ['npm test (as a whole)'] });
    expect(compareTests([ran(null, { passed: true })], [merged])?.flaky.total).toBe(1);
  });
});

describe('what the tests say about the work', () => {
  const run = (exitCode: number | null, overrides: object = {}): TestRun => ({
    verdict: exitCode === 0 ? 'passed' : 'failed',
    counts: null,
    runs: [
      { command: ['npm', 'test'], exitCode, timedOut: false, durationMs: 1, outputTail: '', ...overrides },
    ],
  });
  const tests = (before: Record<string, Status>, after: Record<string, Status>) =>
    compareTests([ran(before)], [ran(after)]);

  test.each([
    ['green', run(1), run(0), tests({ a: 'failed' }, { a: 'passed' })],
    ['red_before', run(1), run(1), tests({ a: 'failed', b: 'passed' }, { a: 'failed', b: 'passed' })],
    ['red_before', run(1), run(1), tests({ a: 'failed', b: 'failed' }, { a: 'failed', b: 'passed' })],
    ['broke', run(1), run(1), tests({ a: 'failed', b: 'passed' }, { a: 'failed', b: 'failed' })],
    ['broke', run(1), run(1), tests({ a: 'failed' }, { a: 'failed', new: 'failed' })],
    ['broke', run(0), run(1), undefined],
    ['still_red', run(1), run(1), undefined],
    ['still_red', run(1), run(null), tests({ a: 'failed' }, { a: 'failed' })],
    ['still_red', run(1), run(1, { timedOut: true }), tests({ a: 'failed' }, { a: 'failed' })],
    ['still_red', null, run(1), undefined],
    ['unknown', run(1), null, undefined],
  ] as const)('%s', (kind, before, after, changes) => {
    const judgement = judgeTests({ before, after, ...(changes === undefined ? {} : { tests: changes }) });

    expect(judgement.kind).toBe(kind);
    expect(judgement.reason).toMatch(/^[A-Z].*\.$/);
  });

  test('never takes an incomplete list for proof', () => {
    const changes = compareTests([ran({ a: 'failed' })], [ran({ a: 'failed' }, { complete: false })]);
    if (changes === undefined) throw new Error('There are changes');

    expect(judgeTests({ before: run(1), after: run(1), tests: changes }).kind).toBe('still_red');
  });
});
