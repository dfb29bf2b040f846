import { expect, test } from 'vitest';
import {
  differsFrom,
  explainLabelPriority,
  findLabelPriority,
  followsLabels,
  toJobPriority,
} from '../../src/domain/priority-labels.ts';
import { combineSettings, parseRepoSettings, type RepoSettings } from '../../src/domain/repo-settings.ts';
import { readSettingsDocument } from '../../src/domain/settings-document.ts';
import { describeSettings } from '../../src/operator/describe-settings.ts';
import { aJob } from '../support/job-builders.ts';

function parsed(text: string): RepoSettings {
  const reading = parseRepoSettings(text);
  if (!reading.ok) throw new Error(reading.message);
  return reading.settings;
}

const { priorityLabels } = parsed('priority_labels: {Security: high, someday: low, chore: normal}\n');

test.each([
  [['bug'], null],
  [[], null],
  [['SECURITY', 'bug'], { label: 'SECURITY', priority: 'high' }],
  [['someday', 'security'], { label: 'security', priority: 'high' }],
  [['someday', 'chore'], { label: 'chore', priority: 'normal' }],
  [['constructor', '__proto__', 'toString'], null],
])('of the labels %j the most urgent one counts, whatever its case', (labels, expected) => {
  expect(findLabelPriority(labels, priorityLabels)).toEqual(expected);
});

test('a label that was taken off, or that others go before, changes what a waiting job has; a person’s word is left alone', () => {
  const high = findLabelPriority(['security'], priorityLabels);
  const job = aJob(toJobPriority(high));

  expect(job).toMatchObject({ priority: 10, prioritySource: { by: 'label', label: 'security' } });
  expect(differsFrom(high && { ...high, label: 'Security' }, job)).toBe(false);
  expect(differsFrom(null, job)).toBe(true);
  expect(differsFrom(null, aJob())).toBe(false);
  // Normal by a label, and normal because nothing says anything.
  expect(differsFrom(findLabelPriority(['chore'], priorityLabels), aJob())).toBe(true);
  expect(followsLabels(job)).toBe(true);
  expect(followsLabels({ ...job, state: 'running' })).toBe(false);
  expect(followsLabels({ ...job, prioritySource: { by: 'person' } })).toBe(false);
  expect(followsLabels({ ...job, prioritySource: null })).toBe(false);
  expect(explainLabelPriority(high)).toBe('high priority: the issue has the label "security"');
});

test('the nearest of several files has the last word on a label', () => {
  const files = ['priority_labels: {security: normal}\n', 'priority_labels: {Security: high, Flaky: low}\n'];
  const readings = files.map((text) => readSettingsDocument(text));
  const layers = readings.flatMap((reading) => (reading.ok ? [reading.file] : []));

  expect(Object.fromEntries(combineSettings(layers).priorityLabels)).toEqual({
    security: 'normal',
    flaky: 'low',
  });
});

test.each([
  ['priority_labels: {security: urgent}\n', 'line 1, priority_labels.security: must be high, normal or low'],
  ['priority_labels: [security]\n', 'must be lines of "label: high" or "label: low"'],
  ['priority_labels:\n  Security: high\n  security: low\n', 'it has the label "security" twice'],
  [`priority_labels: {${'x'.repeat(51)}: high}\n`, 'must be text of 1 to 50 characters'],
  ['priority_label: {security: high}\n', 'did you mean "priority_labels"?'],
])('a mistake in %j is told', (text, message) => {
  const reading = parseRepoSettings(text);

  expect(reading.ok ? '' : reading.message).toContain(message);
});

test('`config check` shows them, also those with names that are made to mislead', () => {
  const settings = parsed('priority_labels: {security: high, "## `@everyone`": low}\n');

  expect(describeSettings(settings)).toContain(
    'priority by label\n  high        security\n  low         ## `@everyone`',
  );
});
