import type { Command, CommandRun } from '../contract/command-run.ts';
import type { Clock } from '../lib/clock.ts';
import { runCommand } from '../lib/run-command.ts';
import type { Launch } from './sandbox/launch.ts';
import { describeOutOfMemory } from './sandbox/out-of-memory.ts';
import type { CaseReport } from './test-reports/case-report.ts';
import type { WatchTests } from './test-reports/watch-tests.ts';

/** The contract's `CommandRun` keeps 8 KiB of output. */
const OUTPUT_TAIL_BYTES = 8 * 1024;
/** Test counts stand in the last lines, but of several frameworks at once: look at more than is shown. */
const COUNTED_OUTPUT_BYTES = 64 * 1024;

export type RunStepsOptions = {
  commands: readonly Command[];
  cwd: string;
  /** Exact: nothing is inherited. */
  env: Record<string, string>;
  /** Puts a sandbox around each command. */
  enclose?: (launch: Launch) => Launch | Promise<Launch>;
  /** For each command. */
  timeoutMs: number;
  signal: AbortSignal;
  /** Go on after a command that failed; otherwise it is the last. */
  keepGoing: boolean;
  redact: (text: string) => string;
  clock: Clock;
  /** What may lie behind a failure, for people; added to the output of a command that failed. */
  explainFailure?: () => string | null;
  /** Watches each command for its single tests. */
  watch?: WatchTests;
  /** Each line of output, as it comes; not redacted. */
  onLine(line: string): void;
};

/** A command that was run, with more of its output than the contract's report keeps. */
export type Step = {
  run: CommandRun;
  output: string;
  /** Its single tests; `null` when it was not watched for any, or told of none. */
  report: CaseReport | null;
};

/**
 * Runs the commands of a repository (set-up or tests), one after the other. Throws the signal's reason when it aborts; a command that
 * can't be started or doesn't end in time is a failed step.
 */
export async function runSteps(options: RunStepsOptions): Promise<Step[]> {
  const steps: Step[] = [];
  for (const command of options.commands) {
    options.onLine(`$ ${command.join(' ')}`);
    const step = await runStep(command, options);
    steps.push(step);
    options.onLine(`→ ${describeEnd(step.run)}`);
    if (!hasPassed(step.run) && !options.keepGoing) break;
  }
  return steps;
}

export function hasPassed(run: CommandRun): boolean {
  return run.exitCode === 0 && !run.timedOut;
}

/** `exit 1 after 2.3 s`. */
export function describeEnd(run: CommandRun): string {
  const how = run.timedOut
    ? 'did not end in time'
    : run.exitCode === null
      ? 'did not run to its end'
      : `exit ${run.exitCode}`;
  return `${how} after ${(run.durationMs / 1000).toFixed(1)} s`;
}

async function runStep(command: Command, options: RunStepsOptions): Promise<Step> {
  const { signal, redact } = options;
  signal.throwIfAborted();
  const watch = await options.watch?.(command);
  const launch: Launch = {
    command: watch?.command ?? [...command],
    env: { ...options.env, ...watch?.env },
  };
  const { enclose = (open) => open } = options;
  const launched = await enclose(launch);
  const result = await runCommand({
    ...launched,
    cwd: options.cwd,
    timeoutMs: options.timeoutMs,
    signal,
    maxOutputBytes: COUNTED_OUTPUT_BYTES,
    redact,
    clock: options.clock,
    onLine: (line, stream) => {
      watch?.onLine(line, stream);
      options.onLine(line);
    },
  });
  signal.throwIfAborted();
  const said =
    result.spawnError === null
      ? result.outputTail
      : `${command[0]} could not be started: ${redact(result.spawnError.message)} (${result.spawnError.code})`;
  const explanations = [
    result.outOfMemory ? describeOutOfMemory(launched.maxMemoryBytes) : null,
    result.exitCode === 0 && !result.timedOut ? null : (options.explainFailure?.() ?? null),
  ].filter((explanation) => explanation !== null);
  const output =
    explanations.length === 0 ? said : `${[said.trimEnd(), ...explanations.map(redact)].join('\n')}\n`;
  return {
    output,
    report: (await watch?.end()) ?? null,
    run: {
      command,
      exitCode: result.exitCode,
      timedOut: result.timedOut,
      durationMs: result.durationMs,
      outputTail: takeTail(output),
    },
  };
}

/** The last 8 KiB, from the start of a line. */
function takeTail(output: string): string {
  const bytes = Buffer.from(output);
  if (bytes.length <= OUTPUT_TAIL_BYTES) return output;
  const tail = bytes.subarray(bytes.length - OUTPUT_TAIL_BYTES).toString('utf8');
  return tail.slice(tail.indexOf('\n') + 1);
}
