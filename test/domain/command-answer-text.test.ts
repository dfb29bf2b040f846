import { describe, expect, test } from 'vitest';
import { toTopicsAnswer } from '../../src/domain/command-answer-text.ts';
import type { WhyFacts } from '../../src/domain/why-text.ts';
import { parseRepoSettings } from '../../src/domain/repo-settings.ts';
import type { ReportedJob } from '../../src/domain/status-comment-text.ts';
import { aJob, anAttempt, NOON_MS } from '../support/job-builders.ts';
import { aRunnerView } from '../support/runner-builders.ts';

const runner = aRunnerView();

/** What `/agent why` answers. */
function whyOf(
  given: {
    settings?: string;
    labels?: string[];
    job?: ReturnType<typeof aJob>;
    attempt?: ReportedJob['attempt'];
  } & Partial<Omit<WhyFacts, 'settings'>>,
): string {
  const { settings: file = null, labels = [], job, attempt = null, ...facts } = given;
  const reading = parseRepoSettings(file);
  if (!reading.ok) throw new Error(reading.message);
  const jobs: ReportedJob[] =
    job === undefined ? [] : [{ job, attempt, earlierAttempts: [], events: [], queuePosition: 1 }];
  return toTopicsAnswer({
    marker: '',
    topics: ['why'],
    facts: {
      jobs,
      statusUrl: null,
      runners: [runner],
      nowMs: NOON_MS,
      month: null,
      why: {
        asker: { login: 'alice', permission: 'write', denial: null },
        issue: {
          found: true,
          issue: { ...aJob().issue, title: 'Totals', body: 'They are wrong.', labels },
          state: 'open',
          locked: false,
          isPullRequest: false,
          openBlockers: [],
        },
        settings: reading.settings,
        settingsProblem: null,
        settingsNotice: null,
        durationsMs: new Map(),
        passedOver: new Map(),
        atWork: new Map(),
        limits: { refusal: null, used: [] },
        noRest: new Map(),
        ...facts,
      },
    },
  });
}

describe('/agent why', () => {
  test('tells how far the limits of the day are used up, and what an attempt may use', () => {
    const answer = whyOf({
      job: aJob({ state: 'queued' }),
      limits: { refusal: null, used: ['acme/widgets 3 of 40 jobs, $2.00 of $20.00', 'alice 1 of 10 jobs'] },
    });

    expect(answer).toMatch(
      /✅ Budget: used up today \(UTC\): acme\/widgets 3 of 40 jobs, .{0,2}2\.00 of .{0,2}20\.00; alice 1 of 10 jobs\. At most \d+ minutes/,
    );
  });

  test.each([
    ['before there is work', undefined, /❌ Budget: The limit for acme\/widgets is used up/],
    ['of work that was taken on', aJob({ state: 'queued' }), /⚠️ Budget: for further work: The limit/],
    ['of work that ended', aJob({ state: 'failed' }), /❌ Budget: The limit/],
  ])('a limit that is used up has no check mark: %s', (_when, job, line) => {
    const limits = { refusal: 'The limit for acme/widgets is used up for today.', used: [] };

    expect(whyOf({ limits, ...(job && { job }) })).toMatch(line);
  });

  test.each([
    [
      'who may not start work',
      { asker: { login: 'bob', permission: 'read', denial: null } },
      'ask somebody who may',
    ],
    [
      'settings with mistakes',
      { settingsProblem: 'It is wrong:\n- line 3: no' },
      'First mend the settings, then write',
    ],
    ['a limit', { limits: { refusal: 'All used up.', used: [] } }, 'Once the limit leaves room again, write'],
    [
      'old settings in force',
      { settingsNotice: 'It is wrong:\n- line 3: no' },
      'To start, add one of the labels',
    ],
  ] as const)('how to start says first what is in the way: %s', (_what, facts, said) => {
    const answer = whyOf(facts);

    expect(answer).toContain(said);
    expect(answer).toMatch(/`\/agent run backend`\.$/);
    expect(answer).not.toContain(': - line');
  });

  test('says what a waiting job waits for when the limits of the day leave nothing, and what they left one at work', () => {
    const job = aJob({ state: 'queued' });
    const reason =
      'The limit for acme/widgets is used up for today: $5.00 of $5.00. It goes on at 00:00 UTC.';

    const waiting = whyOf({ job, noRest: new Map([[job.id, { code: 'day_used_up', reason }]]) });
    const atWork = whyOf({
      job: aJob({ state: 'running' }),
      attempt: anAttempt({ budget: { maxBudgetUsd: 1, maxMinutes: 30 } }),
    });

    expect(waiting).toMatch(/- ⏳ Budget: The limit for acme\/widgets is used up .* At most 120 minutes/);
    expect(waiting).toMatch(/Queue: place \d; it starts when the limits of the day let it\./);
    expect(waiting).not.toContain('estimated start');
    expect(atWork).toMatch(
      /✅ Budget: .* leave this job .{0,2}1\.00 and 30 minutes\..* At most 30 minutes, .* \$1\.00/,
    );
  });

  test('without work tells of the work that labels or text speak for: budget, runners and needs', () => {
    const settings = 'defaults: {concurrency: 1}\nspecialties: {backend: {needs: [gpu], max_minutes: 7}}\n';
    const answer = whyOf({ settings, labels: ['agent:backend'], atWork: new Map([['backend', 1]]) });

    expect(answer).toContain('No work was asked for on this issue yet');
    expect(answer).toContain('At most 7 minutes, 200 turns and $20.00 for an attempt at `backend` work.');
    expect(answer).toContain('✅ Runners for `backend`: `be-1` (online, 1 of 2 taken).');
    expect(answer).toMatch(/❌ Needs: .*gpu/);
    expect(answer).toContain('⏳ At once: 1 of 1 backend jobs of this repository are at work');
    expect(whyOf({})).not.toContain('Runners for');
  });

  test('says whom the settings leave out, and which full house a job waits for', () => {
    const settings = { ...aJob().settings, concurrency: { repository: 2 } };
    const answer = whyOf({
      job: aJob({ state: 'queued', settings }),
      asker: { login: 'alice', permission: 'write', denial: { reason: 'alice may not.', isSilent: false } },
      atWork: new Map([['frontend', 2]]),
    });

    expect(answer).toContain('❌ Permission: alice may not.');
    expect(answer).toContain('⏳ At once: 2 of 2 jobs of this repository are at work');
  });
});
