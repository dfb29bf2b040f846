import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { describeEvents, describeJobs, describeRunners, describeUsage } from '../../src/operator/describe.ts';
import type { JobSummary, RunnerSummary } from '../../src/operator/operator-client.ts';

/** Would set the window's title, clear the screen, turn the reading direction and start a line of its own. */
const HOSTILE = 'a\u001b]0;pwned\u0007\u001b[2J\u202eb\nFAKE LINE';

const job: JobSummary = {
  id: '01a20435-1060-7000-a225-f9afdf7fb197',
  state: 'queued',
  stateReason: HOSTILE,
  specialty: 'backend',
  outcome: null,
  requestedBy: 'octavia',
  repository: { owner: 'acme', name: 'widgets' },
  issue: { number: 7, title: HOSTILE },
  pullRequest: null,
  createdAtMs: 0,
};
const runner: RunnerSummary = {
  id: '01a20435-1060-7000-a225-f9afdf7fb198',
  name: 'be-1',
  hostname: HOSTILE,
  state: 'online',
  specialties: ['backend'],
  capabilities: [],
  active: 1,
  capacity: 2,
  version: HOSTILE,
  quarantinedUntilMs: 9000,
  quarantineReason: HOSTILE,
  lastSeenAtMs: 1000,
};

test.each([
  ['jobs', describeJobs([job]), 2],
  ['runners', describeRunners([runner], 5000), 3],
  ['events', describeEvents({ job, attempts: [], events: [{ atMs: 0, kind: 'queued', text: HOSTILE }] }), 4],
])('%s keep hostile text from steering the terminal', (_what, text, lines) => {
  const withoutOurColours = stripVTControlCharacters(text);

  expect(text).not.toContain('\u001b]');
  expect(text).not.toContain('\u001b[2J');
  expect(text).not.toContain('\u0007');
  expect(text).not.toContain('\u202e');
  expect(withoutOurColours.split('\n')).toHaveLength(lines);
});

test('tables say what to do when they are empty', () => {
  expect(describeJobs([])).toContain('agent:<specialty>');
  expect(describeRunners([], 0)).toContain('yardmaster runner token');
});

test('a month is told by repository and specialty, with its sum', () => {
  const row = { repository: 'acme/widgets', specialty: 'backend', jobs: 2, pullRequests: 1 };
  const usage = [
    { ...row, costUsd: 5.1, minutes: 4.4, inputTokens: 1_400_000, outputTokens: 900 },
    { ...row, specialty: 'frontend', costUsd: 0.2, minutes: 2.2, inputTokens: 52_000, outputTokens: 999_600 },
  ];

  const lines = describeUsage({ month: '2026-11', usage }).split('\n');

  expect(lines).toEqual([
    '2026-11       SPECIALTY  JOBS  PULL REQUESTS  COST   MINUTES  TOKENS IN  OUT',
    'acme/widgets  backend    2     1              $5.10  4.4      1.4 M      900',
    'acme/widgets  frontend   2     1              $0.20  2.2      52 k       1.0 M',
    'all                      4     2              $5.30  6.6      1.5 M      1.0 M',
  ]);
  const [first] = usage.map((one) => ({ ...one, costUsd: null }));
  const unknown = describeUsage({ month: '2026-11', usage: first === undefined ? [] : [first] });
  expect(unknown.match(/unknown/g)).toHaveLength(2);
  expect(describeUsage({ month: '2026-11', usage: [] }, 'acme/api')).toBe('No jobs of acme/api in 2026-11.');
});
