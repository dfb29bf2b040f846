import { afterAll, describe, expect, test } from 'vitest';
import { toSandboxSettings } from '../../src/runner/sandbox/sandbox-settings.ts';
import { startPackageRegistry, whyNoRegistry } from '../support/package-registry.ts';
import { whyNoSandbox } from '../support/sandboxed.ts';
import { workOnProject } from '../support/work-on-project.ts';
import { shopProjects } from './projects.ts';

const TIMEOUT_MS = 600_000;

/** Where there is none, the projects are solved all the same; the table says so. */
const hasSandbox = (await whyNoSandbox()) === null;
const registry = (await whyNoRegistry()) === null ? await startPackageRegistry() : null;
afterAll(() => registry?.[Symbol.asyncDispose]());

tell('Project', 'Sandbox', 'Before', 'After', 'Turned green', 'Changed lines covered', 'Seconds');

for (const project of shopProjects(registry)) {
  const { name, missing, bug, mend, readable = [], machineEnv = {} } = project;
  if (missing !== null) tell(name, `skipped: ${missing}`, '', '', '', '', '');

  describe.skipIf(missing !== null)(`${name}${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
    test('is set up, solved, tested and published', { timeout: TIMEOUT_MS }, async () => {
      const startedMs = performance.now();
      const machine = process.env['PATH'] ?? '';
      const path = project.bin === undefined ? machine : `${project.bin}:${machine}`;
      const sandbox = toSandboxSettings({ mode: hasSandbox ? 'required' : 'off', readable }, (name) => name);

      await using done = await workOnProject(project, mend, {
        path,
        settings: { coverage: true },
        timeoutMs: TIMEOUT_MS,
        sandbox,
        machineEnv,
      });

      const { outcome, reason, changes, evidence } = done.result;
      const { before, after, tests, coverage } = evidence;
      const green = tests?.newlyPassing.names ?? [];
      tell(
        name,
        done.result.sandbox ?? '',
        `${before?.verdict} ${toCounts(before)}`,
        `${after?.verdict} ${toCounts(after)}`,
        green.join(', '),
        coverage === undefined ? '' : `${coverage.covered} of ${coverage.lines}`,
        ((performance.now() - startedMs) / 1000).toFixed(0),
      );
      expect({ outcome, before: before?.verdict, after: after?.verdict }, `${reason}\n${done.log}`).toEqual({
        outcome: 'pull_request',
        before: 'failed',
        after: 'passed',
      });
      expect(done.result.sandbox).toBe(hasSandbox ? 'bubblewrap' : 'none');
      expect(changes.map((change) => change.path)).toEqual(Object.keys(mend));
      for (const [file, text] of Object.entries(mend)) expect(await done.file(file)).toBe(text);
      expect(green.length).toBe(bug === null ? 0 : 1);
      expect(green.join('\n')).toContain(bug ?? '');
      expect(coverage && { covered: coverage.covered, lines: coverage.lines }).toEqual(project.coverage);
    });
  });
}

/** A row of a table, as soon as it is known. */
function tell(...row: string[]): void {
  process.stdout.write(`| ${row.join(' | ')} |\n`);
}

function toCounts(run: { counts: { passed: number; failed: number } | null } | null): string {
  return run?.counts == null ? '' : `(${run.counts.passed} passed, ${run.counts.failed} failed)`;
}
