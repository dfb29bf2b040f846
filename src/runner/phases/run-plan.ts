import type { CommandRun } from '../../contract/command-run.ts';
import type { TestCounts, TestRun } from '../../contract/evidence.ts';
import type { CommandTests } from '../../domain/compare-tests.ts';
import { MARK_VARIABLE, runCommand } from '../../lib/run-command.ts';
import { agentEnvironment } from '../agents/agent-environment.ts';
import { readTestCounts } from '../analysis/test-counts.ts';
import { describeEnd, hasPassed, runSteps, type RunStepsOptions, type Step } from '../run-steps.ts';
import type { Launch } from '../sandbox/launch.ts';
import type { CaseReport } from '../test-reports/case-report.ts';
import { createTestWatcher, type WatchTests } from '../test-reports/watch-tests.ts';
import type { Workspace } from '../workspace/workspace-types.ts';
import type { AttemptContext, PhaseDeps } from './phase.ts';
import type { TestPlan } from './test-plan.ts';
import { openWayOut, type WayOut } from './way-out.ts';

/** For a program that does nothing; machines may be busy. */
const TRY_OUT_MS = 30_000;

export type PlanRun = {
  setup: CommandRun[];
  tests: TestRun;
  /** The single tests of each of `tests.runs`. */
  commands: RanTests[];
};

/** The single tests of one command, and what its framework says of failing ones and in its summary. */
export type RanTests = CommandTests & { counts: TestCounts | null; failures: CaseReport['failures'] };

/** What of a plan is run, and how. */
export type PlanWay = {
  withSetup: boolean;
  /** Whether the tests reach the package registries, as set-up does. Not where they run what an agent has just written. */
  testsReachRegistries: boolean;
  /** For something else than single tests. */
  watchInstead?: WatchTests;
  /** Awaited once set-up is through, or left out, before any test. */
  onSetUp?: () => Promise<void>;
};

/**
 * Runs set-up and tests in the workspace: with HOME and TMPDIR of the attempt, none of the runner's secrets, and, in a sandbox, no network
 * but what `openWayOut` leads to. A set-up that fails leaves the tests `not_run`.
 */
export async function runPlan(
  plan: TestPlan,
  workspace: Workspace,
  { withSetup, testsReachRegistries, watchInstead, onSetUp }: PlanWay,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<PlanRun> {
  const setup = withSetup && plan.setup.length > 0 ? await through('setup', true, runSetup) : [];
  const setupRuns = setup.map(({ run }) => run);
  if (!setupRuns.every(hasPassed)) return toPlanRun(setupRuns, []);
  await onSetUp?.();
  const tests = plan.test.length > 0 ? await through('tests', testsReachRegistries, runTests) : [];
  return toPlanRun(setupRuns, tests);

  async function through(
    by: 'setup' | 'tests',
    withRegistries: boolean,
    run: (options: CommonOptions) => Promise<Step[]>,
  ): Promise<Step[]> {
    const wayOut = await openWayOut(by, withRegistries, attempt, deps);
    try {
      return await run(toOptions(wayOut));
    } finally {
      await wayOut.close();
    }
  }

  function toOptions({ socket, explainRefused }: WayOut): CommonOptions {
    return {
      enclose: (launch: Launch): Launch | Promise<Launch> =>
        deps.sandbox.wrap(launch.command, launch.env, {
          workspace: workspace.folder,
          home: workspace.homeFolder,
          temp: workspace.tempFolder,
          readable: workspace.sharedFolders,
          // Set-up and tests are the repository's: they get no file of the machine for naming it.
          programs: [],
          sockets: [],
          network: socket === null ? 'none' : { proxySocket: socket },
        }),
      cwd: workspace.folder,
      env: {
        ...agentEnvironment(deps.machineEnv, workspace),
        [MARK_VARIABLE]: attempt.spec.attemptId,
      },
      signal: attempt.signal,
      redact: deps.redact,
      clock: deps.clock,
      onLine: attempt.say,
      // Why it failed may be that something could not be reached, which the command itself seldom says.
      explainFailure: explainRefused,
    };
  }

  function runSetup(options: CommonOptions): Promise<Step[]> {
    const { setupMs } = deps.limits;
    return runSteps({ ...options, commands: plan.setup, timeoutMs: setupMs, keepGoing: false });
  }

  function runTests(options: CommonOptions): Promise<Step[]> {
    return runSteps({
      ...options,
      commands: plan.test,
      // Read for each command. Work whose tests take all the time there is can still be pushed.
      get timeoutMs() {
        return Math.max(1000, Math.min(deps.limits.testMs, attempt.remainingMs() - pushMs(attempt)));
      },
      keepGoing: true,
      watch:
        watchInstead ??
        createTestWatcher({
          workspace,
          redact: deps.redact,
          clock: deps.clock,
          tryOut: async (command, env) => {
            const launch = await options.enclose({ command, env: { ...options.env, ...env } });
            const { cwd, signal, clock } = options;
            const tried = await runCommand({
              ...launch,
              cwd,
              signal,
              clock,
              timeoutMs: TRY_OUT_MS,
              maxOutputBytes: 1024,
            });
            return tried.exitCode === 0;
          },
        }),
    });
  }
}

/** What set-up and tests have in common. */
type CommonOptions = Omit<RunStepsOptions, 'commands' | 'timeoutMs' | 'keepGoing' | 'watch' | 'enclose'> & {
  enclose: NonNullable<RunStepsOptions['enclose']>;
};

/** Kept of the longest run for the push. */
function pushMs({ spec }: AttemptContext): number {
  return Math.min(60_000, spec.settings.maxMinutes * 60_000 * 0.05);
}

function toPlanRun(setup: CommandRun[], tests: readonly Step[]): PlanRun {
  const commands = tests.map(toRanTests);
  const runs = tests.map(({ run }) => run);
  return { setup, tests: toTestRun(runs, commands), commands };
}

/** Where the framework's own summary tells of more or fewer failures than its report, the report is not all. */
function toRanTests({ run, output, report }: Step): RanTests {
  const failed = [...(report?.cases.values() ?? [])].filter((status) => status === 'failed').length;
  const counts = readTestCounts(run.command, output);
  return {
    counts,
    key: run.command.join(' '),
    passed: hasPassed(run),
    cases: report?.cases ?? null,
    failures: report?.failures ?? new Map(),
    complete: report?.complete === true && (counts === null || counts.failed === failed),
    flaky: [],
  };
}

/** One sentence about what is red; `null` when nothing is. */
export function explainRed({ setup, tests }: PlanRun): string | null {
  const failed = [...setup, ...tests.runs].find((run) => !hasPassed(run));
  if (failed === undefined) return null;
  const what = setup.includes(failed) ? 'Set-up' : 'Tests';
  return `${what} failed: ${failed.command.join(' ')}: ${describeEnd(failed)}.`;
}

/** What all commands say together. */
export function toTestRun(runs: CommandRun[], commands: readonly RanTests[]): TestRun {
  return {
    verdict: runs.length === 0 ? 'not_run' : runs.every(hasPassed) ? 'passed' : 'failed',
    runs,
    counts: sumCounts(commands.map(({ counts }) => counts)),
  };
}

/** `null` when none could be read. */
function sumCounts(read: readonly (TestCounts | null)[]): TestCounts | null {
  const counts = read.filter((count) => count !== null);
  if (counts.length === 0) return null;
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of counts) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}
