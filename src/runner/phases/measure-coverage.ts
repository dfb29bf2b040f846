import type { Coverage } from '../../contract/evidence.ts';
import { countCoverage } from '../../domain/count-coverage.ts';
import type { LineCoverage } from '../test-reports/parse-coverage.ts';
import { createCoverageWatcher, wantsCoverage } from '../test-reports/watch-coverage.ts';
import { parsePatch } from '../workspace/parse-patch.ts';
import type { AttemptContext, PhaseDeps } from './phase.ts';
import { runPlan } from './run-plan.ts';
import type { Verified } from './verify.ts';

/** Tests that took longer are not run once more for it. */
const MAX_TESTS_MS = 60_000;
/** Measuring takes its time, and a run that hangs must not cost the work. */
const SLACK_MS = 30_000;
const MAX_PATCH_BYTES = 20_000_000;

/**
 * Counts which of the changed lines the tests run, by running green tests of short duration once more: measuring slows tests down, and
 * thresholds of the repository make them red, so what counts as evidence is run without it. Whatever comes of it, the verdict stands.
 */
export async function measureCoverage(
  { workspace, tree, plan, ending }: Verified,
  attempt: AttemptContext,
  deps: PhaseDeps,
): Promise<void> {
  const { spec, record } = attempt;
  const { after } = record.evidence;
  const isGreen = ending.outcome === 'pull_request' && after?.verdict === 'passed';
  const tookMs = after?.runs.reduce((sum, { durationMs }) => sum + durationMs, 0) ?? 0;
  if (!isGreen || spec.settings.coverage === false) return;
  const mostMs = 3 * tookMs + SLACK_MS;
  if (tookMs > MAX_TESTS_MS || attempt.remainingMs() < (plan.test.length + 1) * mostMs) return;
  const able = await Promise.all(plan.test.map((command) => wantsCoverage(workspace, command)));
  const test = plan.test.filter((_command, at) => able[at]);
  if (test.length === 0) return;

  attempt.say('Running the tests once more to see which of the changed lines they run; nothing else counts');
  const patch = parsePatch(await workspace.patch(tree, MAX_PATCH_BYTES));
  const changed = patch.map(({ path, lines }) => ({
    path,
    lines: lines.filter(({ added }) => added).map(({ number }) => number),
  }));
  const ran: LineCoverage = new Map();
  await workspace.restore(tree);
  const watchInstead = createCoverageWatcher(
    workspace,
    changed.map(({ path }) => path),
    ran,
  );
  const limits = { ...deps.limits, testMs: Math.min(deps.limits.testMs, mostMs) };
  const way = { withSetup: false, testsReachRegistries: false, watchInstead };
  await runPlan({ ...plan, test }, workspace, way, attempt, { ...deps, limits });
  const coverage: Coverage | null = countCoverage(changed, ran);
  if (coverage !== null) record.evidence = { ...record.evidence, coverage };
}
