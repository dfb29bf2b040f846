import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ECOSYSTEM_CASES, type EcosystemCase } from '../support/ecosystems.ts';
import { workOnProject } from '../support/work-on-project.ts';

/** Programs of this repository, for projects that use them. */
const PATH = `${path.resolve(import.meta.dirname, '../../node_modules/.bin')}:${process.env['PATH'] ?? ''}`;

for (const project of ECOSYSTEM_CASES) {
  const { name, missing } = project;
  const title = `a project with ${name}${missing === null ? '' : ` (can't be tried out here: ${missing})`}`;
  describe.skipIf(missing !== null)(title, () => {
    tryOut(project);
  });
}

function tryOut(project: EcosystemCase): void {
  test('is solved, and the evidence names the test that turned green', { timeout: 180_000 }, async () => {
    await using done = await workOnProject(project, project.mend, { path: PATH });
    const { result, file } = done;

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
    const settings = { allowRedBefore: true };
    await using done = await workOnProject(project, project.breakIt, { path: PATH, settings });
    const { result } = done;

    expect(result.evidence.tests).toMatchObject({
      newlyFailing: { names: [project.broken], total: 1 },
      stillFailing: { names: [project.bug], total: 1 },
      complete: true,
    });
    expect(result.outcome).toBe('tests_failed');
    expect(result.reason).toContain('The work turned 1 test red that did not fail before.');
  });
}
