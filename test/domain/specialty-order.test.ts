import { expect, test } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { parseRepoSettings } from '../../src/domain/repo-settings.ts';
import { mergeSettings } from '../../src/domain/settings-layers.ts';
import { readSettingsDocument } from '../../src/domain/settings-document.ts';
import { readOrderWithoutCircles } from '../../src/domain/specialty-names.ts';
import { explainPredecessors, findPredecessors } from '../../src/domain/specialty-order.ts';
import { aJob } from '../support/job-builders.ts';

const url = 'https://github.com/acme/widgets/pull/9';
const pull = (how?: 'merged' | 'closed'): Partial<Job> => ({
  state: 'succeeded',
  pullRequest: { number: 9, url, ...(how && { ended: { how, by: 'olga', atMs: 1 } }) },
});

test('needs that name another specialty order them; one’s own name and defaults are capabilities', () => {
  const reading = parseRepoSettings(`
labels: {look: design}
defaults: {needs: [testing]}
specialties:
  frontend: {needs: [backend, design, "node:22"]}
  docker: {needs: [docker]}
`);

  expect(reading.ok && reading.settings.specialties.get('frontend')).toMatchObject({
    needs: ['node:22'],
    settings: { after: ['backend', 'design'] },
  });
  expect(reading.ok && reading.settings.specialties.get('docker')?.needs).toEqual(['docker']);
  expect(reading.ok && reading.settings.specialties.get('docker')?.settings.after).toBeUndefined();
  expect(reading.ok && reading.settings.specialties.get('devops')?.needs).toEqual(['testing']);
});

test('a circle is refused where it is written; one of several files is left out', () => {
  const text = 'specialties:\n  a: {needs: [b]}\n  b:\n    needs: [c]\n  c: {needs: [python, a]}\n';

  expect(parseRepoSettings(text)).toMatchObject({
    ok: false,
    problems: [
      {
        key: 'specialties.a.needs',
        line: 2,
        message: expect.stringMatching(/^a → b → c → a: each would wait/),
      },
    ],
  });

  const files = ['backend: {needs: [frontend]}', 'frontend: {needs: [backend, testing]}'].flatMap((part) => {
    const reading = readSettingsDocument(`specialties: {${part}}`);
    return reading.ok ? reading.file : [];
  });
  expect(Object.fromEntries(readOrderWithoutCircles(mergeSettings(files)))).toEqual({
    backend: [],
    frontend: ['testing'],
  });
});

test.each<[string, Partial<Job> | null, string[], string | null]>([
  ['never asked for', null, [], null],
  ['labelled, and not dealt with yet', null, ['backend'], 'to_come'],
  ['at work', { state: 'running' }, [], 'to_come'],
  ['its pull request is being opened', { state: 'succeeded' }, [], 'to_come'],
  ['its pull request was refused', { state: 'succeeded', stateReason: 'refused' }, [], 'ended'],
  ['open', pull(), [], 'open'],
  ['merged', pull('merged'), ['backend'], null],
  ['closed', pull('closed'), [], null],
  ['closed, and the label stays', pull('closed'), ['backend'], 'ended'],
  ['failed', { state: 'failed' }, [], 'ended'],
  ['cancelled', { state: 'cancelled' }, [], null],
  ['cancelled, and the label stays', { state: 'cancelled' }, ['backend'], 'ended'],
  ['refused', { state: 'refused' }, ['backend'], 'ended'],
])('backend is %s', (_name, job, labelled, standing) => {
  const own = aJob({ specialty: 'frontend' });
  // The newest counts.
  const jobs = job === null ? [own] : [own, aJob(job), aJob({ state: 'running' })];

  const [found] = findPredecessors({ after: ['backend'], jobs, labelled });

  expect(found?.standing ?? null).toBe(standing);
});

test('what is waited for is told, with what people can do', () => {
  const open = { specialty: 'backend', standing: 'open', pullRequest: 9 } as const;
  const toCome = { specialty: 'testing', standing: 'to_come', pullRequest: null } as const;

  expect(explainPredecessors('frontend', [open, toCome])).toBe(
    'By the settings, frontend comes after backend and testing. It goes on by itself once pull request #9 of backend and the testing work on this issue are merged. `/agent unhold frontend` starts it now.',
  );
  expect(explainPredecessors('frontend', [{ ...toCome, standing: 'ended' }])).toBe(
    'By the settings, frontend comes after testing. The testing work ended and was not merged: `/agent retry testing` has it done once more. `/agent unhold frontend` starts it now.',
  );
});
