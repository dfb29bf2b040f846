import type { CommandTests } from '../../domain/compare-tests.ts';
import { goOnWithSetUp, noteSetUp } from './go-on.ts';
import { type AttemptContext, next, type PhaseDeps, type PhaseResult, type Workspace } from './phase.ts';
import type { Prepared } from './prepare.ts';
import { explainRed, type PlanRun, runPlan } from './run-plan.ts';
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
  const run = await runBefore(prepared.workspace, plan, attempt, deps);
  // No work of the agent: a lock file that an installation brought up to date, reports, caches.
  if (run.setup.length + run.tests.runs.length > 0) await prepared.workspace.leaveOutSoFar();
  record.evidence = {
    ...record.evidence,
    setup: run.setup,
    before: run.tests,
    reasons: plan.reasons,
    withoutTests: plan.withoutTests,
    ...(run.setupIsKept ? { setupIsKept: true } : {}),
  };
  attempt.say(`Before the work: ${explainRed(run) ?? plan.withoutTests ?? 'all tests pass.'}`);

  await attempt.channel.start(attempt.signal);
  await attempt.channel.sendEvidence(record.evidence, attempt.signal);
  const setupIsBroken = run.tests.verdict === 'not_run' && run.setup.length > 0 && plan.test.length > 0;
  return next({ ...prepared, plan, setupIsBroken, testsBefore: run.commands });
}

/** What set-up made for the work before need not be made again. Where tests are red with it, it might be to blame: then all is done anew. */
async function runBefore(
  workspace: Workspace,
  plan: TestPlan,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<PlanRun & { setupIsKept: boolean }> {
  const isOurWork = attempt.spec.kind === 'revise' && plan.setup.length > 0;
  // What is on the base branch is trusted like its set-up, and may fetch what it needs. The head of a pull request of ours is an agent's
  // work: its tests reach registries only where they have to stand in for a set-up.
  const testsReachRegistries = !isOurWork;
  // Without a sandbox an agent could write what is noted here, too.
  const note = deps.sandbox.kind === 'none' ? {} : { onSetUp: () => noteSetUp(workspace, plan) };
  if (await goOnWithSetUp(workspace, plan, attempt)) {
    const way = { withSetup: false, testsReachRegistries, ...note };
    const run = await runPlan(plan, workspace, way, attempt, deps);
    const red = explainRed(run);
    if (red === null || plan.setup.length === 0) return { ...run, setupIsKept: plan.setup.length > 0 };
    attempt.say(`Set-up begins anew after all: ${red}`);
    // What the tests changed on the way is no part of the checkout.
    await workspace.restore(workspace.base);
    await dropSetUp(workspace);
  }
  // Code that an agent wrote may run in the set-up of its work: what that makes must not outlive the attempt.
  const way = { withSetup: true, testsReachRegistries, ...(isOurWork ? {} : note) };
  return { ...(await runPlan(plan, workspace, way, attempt, deps)), setupIsKept: false };
}

async function dropSetUp({ found }: Workspace): Promise<void> {
  if (!('whyNot' in found)) await found.dropSetUp();
}

/** Nothing can be run as long as files hold both sides of a merge; set-up and tests have to wait for the agent. */
async function beforeMerge(
  prepared: Prepared,
  plan: TestPlan,
  attempt: AttemptContext,
): Promise<PhaseResult<Baselined>> {
  const { record } = attempt;
  const { reasons, withoutTests } = plan;
  await dropSetUp(prepared.workspace);
  record.evidence = { ...record.evidence, reasons, withoutTests };
  attempt.say('Before the work: nothing is run while there are conflicts.');
  await attempt.channel.start(attempt.signal);
  await attempt.channel.sendEvidence(record.evidence, attempt.signal);
  return next({ ...prepared, plan, setupIsBroken: plan.setup.length > 0, testsBefore: [] });
}
