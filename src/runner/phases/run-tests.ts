import { compareTests, mergeRerun } from '../../domain/compare-tests.ts';
import { findFailures } from '../test-reports/find-failures.ts';
import type { Worked } from './agent.ts';
import type { AttemptContext, PhaseDeps } from './phase.ts';
import { type PlanRun, runPlan, toTestRun } from './run-plan.ts';
import { touchesDependencies } from './test-plan.ts';

/** Runs the tests on a snapshot that the workspace holds, and keeps what they say as the evidence after the work. */
export async function runTests(
  tree: string,
  worked: Worked,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<PlanRun> {
  const { record } = attempt;
  const withSetup = worked.setupIsBroken || touchesDependencies(record.changes.map(({ path }) => path));
  const way = { withSetup, testsReachRegistries: false };
  const first = await runPlan(worked.plan, worked.workspace, way, attempt, deps);
  const run = await rerunSuspects(first, worked, attempt, deps);
  const { tests: _replaced, failures: _former, ...evidence } = record.evidence;
  const tests = compareTests(worked.testsBefore, run.commands);
  const failures = await findFailures(run.commands, () => worked.workspace.files(tree));
  record.evidence = {
    ...evidence,
    ...(withSetup ? { setup: run.setup } : {}),
    after: run.tests,
    ...(tests === undefined ? {} : { tests }),
    ...(failures === undefined ? {} : { failures }),
  };
  await attempt.channel.sendEvidence(record.evidence, attempt.signal);
  return run;
}

/**
 * Runs once more what is red and was not red before: a test that fails and then passes, with nothing changed in between, is flaky and says
 * nothing about the work. What was red before is not run again, since nobody blames the work for it.
 */
async function rerunSuspects(
  first: PlanRun,
  { workspace, plan, testsBefore }: Worked,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<PlanRun> {
  const isSuspect = first.commands.map((command, at) => {
    const run = first.tests.runs[at];
    if (command.passed || run === undefined || run.timedOut || run.durationMs > deps.limits.rerunMs)
      return false;
    const before = testsBefore.find(({ key }) => key === command.key);
    if (before?.passed === true) return true;
    return (compareTests(testsBefore, [command])?.newlyFailing.total ?? 0) > 0;
  });
  const onceMs = first.tests.runs.reduce((sum, run, at) => sum + (isSuspect[at] ? run.durationMs : 0), 0);
  if (!isSuspect.includes(true) || attempt.remainingMs() < 2 * onceMs) return first;

  attempt.say('Running once more what was not red before: it may be flaky');
  const test = plan.test.filter((_command, at) => isSuspect[at]);
  const way = { withSetup: false, testsReachRegistries: false };
  const second = await runPlan({ ...plan, test }, workspace, way, attempt, deps);
  const runs = [...first.tests.runs];
  const commands = [...first.commands];
  for (const [at, suspect] of isSuspect.entries()) {
    const [again, run] = suspect ? [second.commands.shift(), second.tests.runs.shift()] : [];
    const once = commands[at];
    if (again === undefined || run === undefined || once === undefined) continue;
    const counts = again.passed ? again.counts : once.counts;
    commands[at] = { ...mergeRerun(once, again), counts, failures: once.failures };
    if (again.passed) runs[at] = run;
  }
  return { setup: first.setup, commands, tests: toTestRun(runs, commands) };
}
