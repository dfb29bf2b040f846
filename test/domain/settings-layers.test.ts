import { describe, expect, test } from 'vitest';
import { combineSettings } from '../../src/domain/repo-settings.ts';
import { readSettingsDocument } from '../../src/domain/settings-document.ts';
import type { SettingsFile } from '../../src/domain/settings-file.ts';
import { toExtendedPlace } from '../../src/domain/settings-layers.ts';

describe('_extends', () => {
  test.each([
    ['.github', { owner: 'acme', name: '.github', path: '.github/yardmaster.yml' }],
    ['acme/standards', { owner: 'acme', name: 'standards', path: '.github/yardmaster.yml' }],
    ['ACME/standards:agents/backend.yml', { owner: 'ACME', name: 'standards', path: 'agents/backend.yml' }],
  ])('%s is a file of the same owner', (text, place) => {
    expect(toExtendedPlace(text, 'acme')).toEqual({ ok: true, place });
  });

  test.each([
    ['evil/settings', /repository of evil; it must be one of acme/],
    ['settings:../../secret', /without "\." and "\.\."/],
    ['settings:a//b', /without/],
  ])('%s is refused', (text, message) => {
    expect(toExtendedPlace(text, 'acme')).toEqual({ ok: false, message: expect.stringMatching(message) });
  });

  test.each(['a b', 'a/b/c', ':x', ''])('%j is no repository, and its line is named', (text) => {
    expect(readSettingsDocument(`defaults: {}\n_extends: ${JSON.stringify(text)}\n`)).toMatchObject({
      ok: false,
      problems: [{ key: '_extends', line: 2, message: expect.stringMatching(/must be a repository/) }],
    });
  });
});

describe('settings in layers', () => {
  const far = `
labels: {bug: backend, Chore: devops}
defaults: {max_minutes: 30, needs: [docker]}
specialties:
  backend: {test: pytest -q, model: small, needs: [python]}
  data: {}
`;
  const near = `
labels: {chore: testing}
defaults: {max_minutes: 45}
specialties:
  backend: {model: large, needs: []}
`;
  const { labels, specialties } = combineSettings([toFile(near), toFile(far)]);

  test('of what is wished of pull requests, the nearest file counts key by key', () => {
    const { specialties: merged } = combineSettings([
      toFile('defaults: {pull_request: {draft: true}}\n'),
      toFile('defaults: {pull_request: {draft: false, base: develop}}\n'),
    ]);

    expect(merged.get('backend')?.settings.pullRequest).toEqual({ draft: true, base: 'develop' });
  });

  test('labels are put together, the nearest file counts, and case does not matter', () => {
    expect(Object.fromEntries(labels)).toMatchObject({ bug: 'backend', chore: 'testing' });
  });

  test('of each key of a specialty the nearest file that has it counts, and lists are taken whole', () => {
    expect(specialties.get('backend')).toMatchObject({
      needs: [],
      settings: { testCommands: [['pytest', '-q']], model: 'large', maxMinutes: 45 },
    });
    expect(specialties.get('data')).toMatchObject({ needs: ['docker'], settings: { maxMinutes: 45 } });
  });

  test('no files are the built-in settings', () => {
    expect([...combineSettings([]).specialties.keys()]).toEqual(['backend', 'frontend', 'testing', 'devops']);
  });
});

function toFile(text: string): SettingsFile {
  const reading = readSettingsDocument(text);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.file;
}
