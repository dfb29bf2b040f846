import { expect, test } from 'vitest';
import { findMeantLabel, toLabelHintText } from '../../src/domain/label-hint.ts';
import { combineSettings } from '../../src/domain/repo-settings.ts';

const { labels } = combineSettings([{ labels: { bug: 'backend' }, specialties: { docs: {} } }]);

test.each([
  ['agent:fronted', 'agent:frontend'],
  ['Agent:Backnd', 'agent:backend'],
  ['agent:dosc', 'agent:docs'],
  // None of ours, close as it may be.
  ['bgu', null],
  ['agnet:backend', null],
  ['agent:', null],
  // Not close to anything, or right.
  ['agent:security', null],
  ['agent:needs-human', null],
  ['agent:backend', null],
])('%s means %s', (label, meant) => {
  expect(findMeantLabel(label, labels)?.name ?? null).toBe(meant);
});

test('the words of a label stay words', () => {
  const text = toLabelHintText('agent:fronted` @octavia <!-- ', {
    name: 'agent:frontend',
    specialty: 'frontend',
  });

  expect(text).toMatch(/stands for no specialty, so nothing begins\. Did you mean `agent:frontend`\?$/);
  expect(text).not.toMatch(/[^`]` @octavia/);
});
