import { describe, expect, test } from 'vitest';
import { planTests, touchesDependencies } from '../../../src/runner/phases/test-plan.ts';

const found = {
  setup: [{ command: ['npm', 'ci'], reason: 'package-lock.json' }],
  test: [{ command: ['npm', 'test'], reason: 'package.json' }],
};
const nothing = { setup: [], test: [] };

describe('what is run', () => {
  test('is what the analysis found, where the settings say nothing', () => {
    expect(planTests({ setupCommands: null, testCommands: null }, found)).toEqual({
      setup: [['npm', 'ci']],
      test: [['npm', 'test']],
      reasons: [...found.setup, ...found.test],
      withoutTests: null,
    });
  });

  test('is what the settings say, where they say something', () => {
    const plan = planTests({ setupCommands: [], testCommands: [['make', 'check']] }, found);

    expect(plan).toEqual({
      setup: [],
      test: [['make', 'check']],
      reasons: [{ command: ['make', 'check'], reason: 'the settings of the repository name it' }],
      withoutTests: null,
    });
  });

  test.each([
    ['nothing was found', { setupCommands: null, testCommands: null }, nothing, 'No test command was found'],
    ['none are wanted', { setupCommands: null, testCommands: [] }, found, 'settings say that there are no'],
  ])('is no test when %s, with the reason', (_, settings, analysis, reason) => {
    const plan = planTests(settings, analysis);

    expect(plan.test).toEqual([]);
    expect(plan.withoutTests).toContain(reason);
  });

  test('fits into a report', () => {
    const many = Array.from({ length: 30 }, (_, index) => ['echo', String(index)]);

    expect(planTests({ setupCommands: many, testCommands: many }, nothing)).toMatchObject({
      setup: { length: 20 },
      test: { length: 20 },
      reasons: { length: 40 },
    });
  });
});

test.each([
  ['package.json', true],
  ['apps/web/package-lock.json', true],
  ['requirements-dev.txt', true],
  ['Cargo.toml', true],
  ['build.gradle.kts', true],
  ['web/.npmrc', true],
  ['.python-version', true],
  ['patches/left-pad.patch', true],
  ['requirements/dev.in', true],
  ['.yarn/plugins/x.cjs', true],
  ['api/go.work', true],
  ['gems.locked', true],
  ['buildSrc/src/a.kt', true],
  ['src/patches.ts', false],
  ['src/package.json.ts', false],
  ['docs/requirements.md', false],
  ['src/index.ts', false],
])('a change of %s asks for set-up again: %s', (path, expected) => {
  expect(touchesDependencies(['README.md', path])).toBe(expected);
});
