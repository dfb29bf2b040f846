import type { CommandRun } from '../../contract/command-run.ts';
import type { TestCounts, TestRun } from '../../contract/evidence.ts';
import { cleanOutput } from './clean-output.ts';
import { fence, inlineCode } from './fence.ts';

/** Test results as Markdown: each command and how it ended, with the output of those that failed. */
export function describeTestRun(run: TestRun, maxOutput: { each: number; total: number }): string {
  const counts = run.counts === null ? '' : ` (${describeCounts(run.counts)})`;
  return [`${VERDICTS[run.verdict]}${counts}.`, ...describeRuns(run.runs, maxOutput)].join('\n\n');
}

/** `maxOutput` is in characters: of each command, and of all together. */
export function describeRuns(
  runs: readonly CommandRun[],
  maxOutput: { each: number; total: number },
): string[] {
  let left = maxOutput.total;
  return runs.map((run) => {
    const title = `${inlineCode(run.command.join(' ').slice(0, 500))}: ${describeEnd(run)}`;
    const output = hasPassed(run) ? '' : cleanOutput(run.outputTail, Math.min(maxOutput.each, left));
    if (output === '') return title;
    left -= output.length;
    return `${title}. The end of its output:\n\n${fence(output)}`;
  });
}

const VERDICTS: Record<TestRun['verdict'], string> = {
  passed: 'The tests pass',
  failed: 'The tests fail',
  not_run: 'The tests could not be run',
};

function describeEnd(run: CommandRun): string {
  if (run.timedOut) return 'did not end in time';
  return run.exitCode === null ? 'could not be run to its end' : `exit ${run.exitCode}`;
}

function hasPassed(run: CommandRun): boolean {
  return run.exitCode === 0 && !run.timedOut;
}

function describeCounts({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
