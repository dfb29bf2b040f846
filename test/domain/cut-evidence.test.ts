import { describe, expect, test } from 'vitest';
import type { CommandRun } from '../../src/contract/command-run.ts';
import { Evidence } from '../../src/contract/evidence.ts';
import { cutEvidence } from '../../src/domain/cut-evidence.ts';

const aRun = (overrides: Partial<CommandRun> = {}): CommandRun => ({
  command: ['npm', 'test'],
  exitCode: 1,
  timedOut: false,
  durationMs: 10,
  outputTail: 'line\n'.repeat(1600),
  ...overrides,
});
const someNames = (length: number) => ({
  names: Array.from({ length }, (_, at) => `test ${at} ${'x'.repeat(200)}`),
  total: 500,
});
const big: Evidence = {
  setup: Array.from({ length: 20 }, () => aRun({ exitCode: 0, outputTail: 'fine\n'.repeat(1600) })),
  before: { verdict: 'failed', counts: null, runs: Array.from({ length: 20 }, () => aRun()) },
  after: { verdict: 'failed', counts: { passed: 1, failed: 2, skipped: 0 }, runs: [aRun(), aRun()] },
  withoutTests: null,
  repairRounds: 2,
  tests: {
    newlyPassing: someNames(50),
    newlyFailing: someNames(50),
    stillFailing: someNames(50),
    flaky: someNames(0),
    gone: someNames(50),
    complete: true,
  },
  refusedHosts: Array.from({ length: 50 }, (_, at) => ({
    host: `${'x'.repeat(250)}${at}.example.com:443`,
    by: 'tests' as const,
    why: 'not_named' as const,
  })),
  failures: Array.from({ length: 5 }, (_, at) => ({
    name: `test ${at}`,
    message: 'expected\n'.repeat(150),
    place: { path: 'x'.repeat(900), line: 1 },
  })),
};

describe('evidence for a place of limited size', () => {
  test('stays as it is where it fits', () => {
    expect(cutEvidence(big, 1_000_000)).toEqual({ evidence: big, left: null });
  });

  test.each([200_000, 100_000, 60_000, 40_000, 20_000, 12_000])('fits into %i characters', (size) => {
    const { evidence, left } = cutEvidence(big, size);

    expect(JSON.stringify(evidence).length).toBeLessThanOrEqual(size);
    expect(Evidence.parse(evidence)).toEqual(evidence);
    expect(left).toMatch(/^Left out to fit: output of commands that passed/);
    expect(evidence.after).toMatchObject({ verdict: 'failed', counts: { failed: 2 } });
    expect(evidence.tests?.newlyFailing.total).toBe(500);
  });

  test('keeps what fails now longest', () => {
    const { evidence } = cutEvidence(big, 70_000);

    expect(evidence.before?.runs[0]?.outputTail).toBe('');
    expect(evidence.after?.runs[0]?.outputTail).toHaveLength(8000);
  });

  test('cuts commands that are longer than everything else', () => {
    const command = Array.from({ length: 2000 }, () => 'argument'.repeat(20));

    const { evidence, left } = cutEvidence({ ...big, setup: [aRun({ command })] }, 20_000);

    expect(JSON.stringify(evidence).length).toBeLessThan(20_000);
    expect(left).toContain('the ends of long commands');
  });
});
