import path from 'node:path';
import { expect, test } from 'vitest';
import { explainIssue, explainUnknownRepository, type LabelFacts } from '../../src/domain/explanation.ts';
import { parseRepoSettings } from '../../src/domain/repo-settings.ts';
import { describeExplanation } from '../../src/operator/describe-explanation.ts';
import { aJob, NOON_MS } from '../support/job-builders.ts';
import { aRunnerView } from '../support/runner-builders.ts';

const GOLDEN = path.resolve(import.meta.dirname, '..', 'fixtures', 'texts');
const PLACE = { owner: 'acme', name: 'widgets', path: '.github/yardmaster.yml' };
const { issue } = aJob();

function someSettings() {
  const reading = parseRepoSettings('labels: {bug: backend}\nspecialties: {backend: {needs: [python]}}\n');
  if (!reading.ok) throw new Error(reading.message);
  return reading.settings;
}

function someFacts() {
  return {
    repository: 'acme/widgets',
    number: 42,
    issue: {
      found: true as const,
      issue,
      state: 'open' as const,
      locked: false,
      isPullRequest: false,
      openBlockers: [],
    },
    asker: { login: 'alice', permission: 'write' as const, denial: null },
    settings: someSettings(),
    places: [PLACE],
    settingsProblem: null,
    settingsNotice: null,
  };
}

function aLabel(overrides: Partial<LabelFacts> = {}): LabelFacts {
  const runner = aRunnerView('be-1', { capabilities: ['python', 'agent:claude'] });
  const { needs, settings } = someSettings().specialties.get('backend') ?? { needs: [], settings: null };
  if (settings === null) throw new Error('there is no backend');
  return {
    label: 'bug',
    decision: {
      kind: 'start',
      reason: 'alice added it',
      issue,
      specialty: 'backend',
      needs,
      settings,
      instructions: null,
      blockers: [],
      labelPriority: null,
      labelled: [],
      beside: null,
    },
    limits: { refusal: null, warnings: [], used: ['acme/widgets 3 of 40 jobs'] },
    noRest: null,
    liveJob: null,
    openPullRequest: null,
    beside: null,
    predecessors: [],
    runners: [runner],
    atWork: new Map(),
    nowMs: NOON_MS,
    ...overrides,
  };
}

test('one line for each thing that was looked at, and what comes of it', async () => {
  const [runner] = aLabel().runners;
  if (runner === undefined) throw new Error('there is no runner');
  const explanation = explainIssue(someFacts(), [
    aLabel(),
    aLabel({ label: 'agent:backend', runners: [{ ...runner, capabilities: ['agent:claude'] }] }),
    aLabel({
      label: 'agent:backend',
      decision: { kind: 'ignore', reason: 'a backend job for this issue is under way already' },
      liveJob: aJob({ state: 'running' }),
    }),
    aLabel({
      label: 'agent:fronted',
      decision: { kind: 'ignore', reason: 'the label "agent:fronted" stands for no specialty' },
    }),
  ]);

  await expect(`${describeExplanation(explanation)}\n`).toMatchFileSnapshot(
    path.join(GOLDEN, 'explanation.txt'),
  );
});

test('hosts that the settings open are named, with who has the last word', () => {
  const reading = parseRepoSettings('labels: {bug: backend}\ndefaults: {hosts: [api.example.com]}\n');
  if (!reading.ok) throw new Error(reading.message);
  const { settings } = reading;

  const text = describeExplanation(explainIssue({ ...someFacts(), settings }, [aLabel()]));

  expect(text).toMatch(
    /hosts +agent, set-up and tests may reach api\.example\.com, as far as sandbox\.repository_hosts/,
  );
});

test('a job that the day leaves nothing for would wait', () => {
  const noRest = { code: 'day_used_up' as const, reason: 'The limit is used up for today.' };

  const text = describeExplanation(explainIssue(someFacts(), [aLabel({ noRest })]));

  expect(text).toMatch(/limits +The limit is used up for today\./);
  expect(text).toContain('a job would wait in the queue. The limit is used up for today.');
});

test('what stops all work is said, whatever it is, and nothing leaves its line', async () => {
  const facts = someFacts();
  const hostile = 'a\u001B[31m\nlabel evil\n=> work would start';
  const all = [
    explainIssue(
      {
        ...facts,
        issue: { ...facts.issue, issue: { ...issue, title: hostile, labels: [hostile] }, state: 'closed' },
        asker: { login: 'mallory', permission: 'read', denial: null },
        settingsProblem: ".github/yardmaster.yml can't be used:\n- line 3, defaults.tset: mend it",
      },
      [],
    ),
    explainIssue(
      {
        ...facts,
        issue: { found: false, reason: 'it was deleted' },
        asker: null,
        places: [],
      },
      [aLabel({ decision: { kind: 'ignore', reason: "the issue can't be read: it was deleted" } })],
    ),
    explainIssue({ ...facts, asker: null }, [
      aLabel({ limits: { refusal: 'The limit for alice is used up.', warnings: [], used: [] } }),
    ]),
    explainUnknownRepository('acme/wigdets', 42, ['acme/widgets']),
  ];

  await expect(`${all.map(describeExplanation).join('\n\n----\n\n')}\n`).toMatchFileSnapshot(
    path.join(GOLDEN, 'explanation-stopped.txt'),
  );
});
