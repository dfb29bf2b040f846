import { expect, test } from 'vitest';
import { parseRepoSettings } from '../../src/domain/repo-settings.ts';
import { describeSettings } from '../../src/operator/describe-settings.ts';

test('what is checked out is told where it is not as usual', () => {
  const reading = parseRepoSettings(
    'specialties: {frontend: {checkout: {lfs: true, submodules: true, sparse: [web, docs], partial: true}}}\n',
  );
  if (!reading.ok) throw new Error(reading.message);

  const lines = describeSettings(reading.settings)
    .split('\n')
    .filter((line) => line.includes('checkout'));

  expect(lines).toEqual([
    '  checkout  only web, docs; with Git LFS; with submodules; contents of older commits stay away',
  ]);
});
