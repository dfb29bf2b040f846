import process from 'node:process';
import { expect, test } from 'vitest';
import { cutFailingLog } from '../../src/domain/cut-failing-log.ts';

const AT = '2026-05-04T12:00:00.1234567Z ';

function aLog(lines: string[]): string {
  return lines.map((line) => `${AT}${line}\r\n`).join('');
}

test('is the step that failed, without times and colours, and without what came before and after', () => {
  const log = aLog([
    '##[group]Run npm ci',
    'added 200 packages',
    '##[endgroup]',
    '##[group]Run npm test',
    'npm test',
    '##[endgroup]',
    '\u001B[31mnot ok 1 - totals\u001B[0m',
    '##[error]expected 3, got 4',
    '##[error]Process completed with exit code 1.',
    'Post job cleanup.',
    'git config --unset core.sshCommand',
  ]);

  expect(cutFailingLog(`\uFEFF${log}`, 1000)).toBe(
    [
      'Run npm test',
      'npm test',
      '',
      'not ok 1 - totals',
      'Error: expected 3, got 4',
      'Error: Process completed with exit code 1.',
    ].join('\n'),
  );
});

test('keeps the end of what is long, in whole lines; and the end of all, where no error is marked', () => {
  const long = Array.from({ length: 500 }, (_, at) => `line ${at} ${'x'.repeat(50)}`);

  const cut = cutFailingLog(aLog(['##[group]Run make', ...long, '##[error]exit code 2', 'cleanup']), 300);

  expect(cut.length).toBeLessThanOrEqual(300);
  expect(cut).toMatch(/^line 49\d x+\n[^]*Error: exit code 2$/);
  expect(cutFailingLog(aLog(['built', 'and died']), 100)).toBe('built\nand died');
  expect(cutFailingLog('', 100)).toBe('');
});

test('is quick with a log that is made to be slow', () => {
  const before = process.cpuUsage();

  cutFailingLog('\u001B]'.repeat(200_000) + '##[error]'.repeat(50_000), 1000);
  cutFailingLog('##[error]\n'.repeat(100_000), 1000);

  expect(process.cpuUsage(before).user).toBeLessThan(3_000_000);
});
