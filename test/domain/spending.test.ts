import { describe, expect, test } from 'vitest';
import { parseRepoSettings } from '../../src/domain/repo-settings.ts';
import { judgeDailyLimit, toDayStartMs, type DailyLimits, type Spending } from '../../src/domain/spending.ts';

const NOTHING: Spending = { jobs: 0, costUsd: 0, minutes: 0 };

describe('a limit of a day', () => {
  test.each<
    [name: string, used: Partial<Spending>, limits: DailyLimits, kind: string, reason: RegExp | null]
  >([
    ['none', { jobs: 1000 }, {}, 'free', null],
    ['far away', { jobs: 2, costUsd: 1 }, { jobs: 10, costUsd: 100 }, 'free', null],
    [
      'nearly used up with this job',
      { jobs: 7 },
      { jobs: 10 },
      'warning',
      /acme\/widgets is nearly used up for today: 8 of 10 jobs/,
    ],
    ['the last job', { jobs: 9 }, { jobs: 10 }, 'warning', /10 of 10 jobs/],
    [
      'no job left',
      { jobs: 10 },
      { jobs: 10 },
      'refused',
      /used up for today: 10 of 10 jobs\. It begins anew at 00:00 UTC/,
    ],
    ['no job ever', {}, { jobs: 0 }, 'refused', /0 of 0 jobs/],
    ['money at 80 %', { costUsd: 8 }, { costUsd: 10 }, 'warning', /\$8\.00 of \$10\.00/],
    ['money used up', { costUsd: 10.01 }, { costUsd: 10 }, 'refused', /\$10\.01 of \$10\.00/],
    ['minutes used up', { minutes: 61.4 }, { minutes: 60 }, 'refused', /61 of 60 minutes/],
  ])('%s', (_name, used, limits, kind, reason) => {
    const verdict = judgeDailyLimit('acme/widgets', { ...NOTHING, ...used }, limits);

    const said = verdict.kind === 'free' ? '' : verdict.reason;
    expect(verdict.kind).toBe(kind);
    expect(said).toMatch(reason ?? /^$/);
  });
});

test('a day begins at midnight UTC', () => {
  expect(toDayStartMs(Date.UTC(2026, 10, 25, 23, 59, 59, 999))).toBe(Date.UTC(2026, 10, 25));
  expect(toDayStartMs(Date.UTC(2026, 10, 26))).toBe(Date.UTC(2026, 10, 26));
});

describe('limits in the settings', () => {
  test('are read, those left out are none', () => {
    const reading = parseRepoSettings(
      'limits:\n  repository: {jobs: 40, usd: 99.5}\n  person: {minutes: 600}\n',
    );

    expect(reading).toMatchObject({
      ok: true,
      settings: { limits: { repository: { jobs: 40, costUsd: 99.5 }, person: { minutes: 600 } } },
    });
  });

  test.each([
    ['limits:\n  repositories: {jobs: 1}\n', /line 2, limits\.repositories: .*did you mean "repository"/],
    ['limits:\n  person: {job: 1}\n', /line 2, limits\.person\.job: .*did you mean "jobs"/],
    ['limits:\n  person: {jobs: -1}\n', /whole number from 0/],
    ['limits:\n  person: {usd: lots}\n', /must be a number/],
    ['limits: 5\n', /must be keys with limits: repository, person/],
  ])('%j is told with line, key and mend', (text, message) => {
    expect(parseRepoSettings(text)).toMatchObject({ ok: false, message: expect.stringMatching(message) });
  });
});
