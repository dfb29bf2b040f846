import type { Reporter, TestModule } from 'vitest/node';
import type { Recovery } from './recovery.ts';

/** Prints, after everything else, how long each fault took to recover from. */
export class RecoveryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const recoveries = tests.flatMap((test) => test.meta().recoveries ?? []);
    if (recoveries.length === 0) return;
    process.stdout.write(
      `\nTime to recover, with all timings ${process.env['FAULT_PACE'] ?? 40} times faster than the real ones:\n${toTable(recoveries)}\n`,
    );
  }
}

function toTable(recoveries: readonly Recovery[]): string {
  const rows = [
    ['fault', 'variant', 'times', 'median', 'worst'],
    ...recoveries.map(({ row, variant, times, medianMs, worstMs }) => [
      row,
      variant,
      String(times),
      toSeconds(medianMs),
      toSeconds(worstMs),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}

function toSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
