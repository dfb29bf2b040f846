import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { AttemptResult, JobSettings } from '../../src/contract/job.ts';
import { RUNNER_EXIT } from '../../src/runner/exit-codes.ts';
import { ECOSYSTEM_CASES, type EcosystemCase } from '../support/ecosystems.ts';
import {
  aRunnerConfig,
  HOUSE_AGENT,
  type InProcessRunner,
  startInProcess,
} from '../support/in-process-runner.ts';
import { type RunnerWorld, startRunnerWorld, WIDGETS } from '../support/runner-world.ts';
import { until } from '../support/until.ts';

/** Programs of this repository, for projects that use them. */
const PATH = `${path.resolve(import.meta.dirname, '../../node_modules/.bin')}:${process.env['PATH'] ?? ''}`;

let world: RunnerWorld | null = null;
let runner: InProcessRunner | null = null;

afterEach(async () => {
  runner?.signal();
  runner?.signal();
  if (runner !== null) expect(await runner.exit).toBe(RUNNER_EXIT.ok);
  await world?.[Symbol.asyncDispose]();
  [runner, world] = [null, null];
});

/** A job on the project, whose agent writes `edits`. */
async function work(
  project: EcosystemCase,
  edits: Record<string, string>,
  settings: Partial<JobSettings> = {},
): Promise<{ result: AttemptResult; log: string; file: (path: string) => Promise<string | null> }> {
  const made = await startRunnerWorld({ leaseSeconds: 60, heartbeatSeconds: 1, files: project.files });
  world = made;
  const config = aRunnerConfig(made, 'edit', {
    agents: {
      house: {
        kind: 'command',
        command: [process.execPath, HOUSE_AGENT],
        env: { HOUSE_SCENARIO: 'edit', HOUSE_EDITS: JSON.stringify(edits) },
      },
    },
  });
  runner = await startInProcess(config, { path: PATH });
  await runner.ready;
  const spec = await made.makeSpec({
    settings: { setupCommands: project.setup, testCommands: project.test, repairRounds: 0, ...settings },
  });
  const attempt = made.coordinator.offer(spec);
  const result = await until('the attempt has ended', () => attempt.result, 120_000);
  return { result, log: attempt.log, file: (name) => made.github.state.file(WIDGETS, spec.branch, name) };
}

for (const project of ECOSYSTEM_CASES) {
  const { name, missing } = project;
  const title = `a project with ${name}${missing === null ? '' : ` (can't be tried out here: ${missing})`}`;
  describe.skipIf(missing !== null)(title, () => {
    tryOut(project);
  });
}

function tryOut(project: EcosystemCase): void {
  test('is solved, and the evidence names the test that turned green', { timeout: 180_000 }, async () => {
    const { result, file } = await work(project, project.mend);

    expect(result).toMatchObject({
      outcome: 'pull_request',
      evidence: {
        before: { verdict: 'failed' },
        after: { verdict: 'passed' },
        tests: {
          newlyPassing: { names: [project.bug], total: 1 },
          newlyFailing: { total: 0 },
          stillFailing: { total: 0 },
          flaky: { total: 0 },
          gone: { total: 0 },
          complete: true,
        },
      },
    });
    for (const [name, text] of Object.entries(project.mend)) expect(await file(name)).toBe(text);
  });

  test('names the test that the work broke beside the one that was red', { timeout: 180_000 }, async () => {
    const { result } = await work(project, project.breakIt, { allowRedBefore: true });

    expect(result.evidence.tests).toMatchObject({
      newlyFailing: { names: [project.broken], total: 1 },
      stillFailing: { names: [project.bug], total: 1 },
      complete: true,
    });
    expect(result.outcome).toBe('tests_failed');
    expect(result.reason).toContain('The work turned 1 test red that did not fail before.');
  });
}
