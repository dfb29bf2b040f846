import { expect, test } from 'vitest';
import { findFull } from '../../src/domain/concurrency.ts';
import { parseRepoSettings } from '../../src/domain/repo-settings.ts';
import { aJob } from '../support/job-builders.ts';

const FILE = 'concurrency: 3\ndefaults: {concurrency: 2}\nspecialties: {devops: {concurrency: 1}}\n';

test.each([
  ['backend', { backend: 1, frontend: 1 }, null],
  ['backend', { backend: 2 }, /^2 of 2 backend jobs of this repository are at work/],
  ['frontend', { backend: 2 }, null],
  ['frontend', { backend: 2, devops: 1 }, /^3 of 3 jobs of this repository are at work/],
  ['devops', { devops: 1 }, /^1 of 1 devops jobs/],
  // Begun under settings that allowed more.
  ['devops', { devops: 4 }, /^4 of 3 jobs/],
])('a %s job beside %o waits for %s', (specialty, atWork, reason) => {
  const reading = parseRepoSettings(FILE);
  const settings = reading.ok ? reading.settings.specialties.get(specialty)?.settings : undefined;
  if (settings === undefined) throw new Error('the settings can’t be read');

  const full = findFull(aJob({ specialty, settings }), new Map(Object.entries(atWork)));

  expect(full?.reason ?? 'nothing').toMatch(reason ?? /^nothing$/);
});

test('without a word in the settings nothing is counted', () => {
  const reading = parseRepoSettings(null);

  expect(reading.ok && reading.settings.specialties.get('backend')?.settings.concurrency).toBeUndefined();
  expect(findFull(aJob(), new Map([['backend', 1000]]))).toBeNull();
});
