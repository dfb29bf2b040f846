import type { CommandTests } from '../../domain/compare-tests.ts';
import { type AttemptContext, next, type PhaseDeps, type PhaseResult } from './phase.ts';
import type { Prepared } from './prepare.ts';
import { explainRed, runPlan } from './run-plan.ts';
import { planTests, type TestPlan } from './test-plan.ts';

export type Baselined = Prepared & {
  plan: TestPlan;
  /** Set-up failed on the untouched base, so it has to be tried again after the agent. */
  setupIsBroken: boolean;
  /** The single tests of the untouched base. */
  testsBefore: CommandTests[];
};

/**
 * Set-up and tests on the untouched base, so that the evidence can tell what was red before. A red base is no reason to stop: to make
 * it green may be the job.
 */
export async function baseline(
  prepared: Prepared,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<PhaseResult<Baselined>> {
  const { spec, record } = attempt;
  const plan = planTests(spec.settings, prepared.analysis);
  if ((prepared.workspace.merge?.conflicts.length ?? 0) > 0) return beforeMerge(prepared, plan, attempt);
  // What is on the base branch is trusted like its set-up, and may fetch what it needs. The head of a pull request of ours is an agent's
  // work: its tests reach registries only where they have to stand in for a set-up.
  const testsReachRegistries = spec.kind === 'resolve' || plan.setup.length === 0;
  const way = { withSetup: true, testsReachRegistries };
  const run = await runPlan(plan, prepared.workspace, way, attempt, deps);
  // No work of the agent: a lock file that an installation brought up to date, reports, caches.
  if (run.setup.length + run.tests.runs.length > 0) await prepared.workspace.leaveOutSoFar();
  record.evidence = {
    ...record.evidence,
    setup: run.setup,
    before: run.tests,
    reasons: plan.reasons,
    withoutTests: plan.withoutTests,
  };
  attempt.say(`Before the work: ${explainRed(run) ?? plan.withoutTests ?? 'all tests pass.'}`);

  await attempt.channel.start(attempt.signal);
  await attempt.channel.sendEvidence(record.evidence, attempt.signal);
  const setupIsBroken = run.tests.verdict === 'not_run' && run.setup.length > 0 && plan.test.length > 0;
  return next({ ...prepared, plan, setupIsBroken, testsBefore: run.commands });
}

/** Nothing can be run as long as files hold both sides of a merge; set-up and tests have to wait for the agent. */
async function beforeMerge(
  prepared: Prepared,
  plan: TestPlan,
  attempt: AttemptContext,
): Promise<PhaseResult<Baselined>> {
  const { record } = attempt;
  const { reasons, withoutTests } = plan;
  record.evidence = { ...record.evidence, reasons, withoutTests };
  attempt.say('Before the work: nothing is run while there are conflicts.');
  await attempt.channel.start(attempt.signal);
  await attempt.channel.sendEvidence(record.evidence, attempt.signal);
  return next({ ...prepared, plan, setupIsBroken: plan.setup.length > 0, testsBefore: [] });
}
