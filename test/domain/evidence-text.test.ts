import { expect, test } from 'vitest';
import type { Evidence } from '../../src/contract/evidence.ts';
import { toEvidenceSection } from '../../src/domain/evidence-text.ts';

const NOTHING: Evidence = { setup: [], before: null, after: null, withoutTests: null, repairRounds: 0 };

test('that set-up was left out is told, unless it was run after all', () => {
  const command = ['npm', 'ci'];
  const run = { command, exitCode: 0, timedOut: false, durationMs: 1, outputTail: '' };

  expect(toEvidenceSection(NOTHING)).not.toContain('Set-up');
  expect(toEvidenceSection({ ...NOTHING, setupIsKept: true })).toContain('Set-up: left out.');
  const both = toEvidenceSection({ ...NOTHING, setupIsKept: true, setup: [run] });
  expect(both).toMatch(/^Set-up: `npm ci`/m);
  expect(both).not.toContain('left out');
});
