import { describe, expect, test } from 'vitest';
import {
  cutToRest,
  describeCut,
  findNoRest,
  type Measured,
  toBudget,
  toRest,
} from '../../src/domain/day-rest.ts';
import type { DailyLimits } from '../../src/domain/spending.ts';

const NOTHING = { costUsd: 0, minutes: 0 };

function measured(
  limits: DailyLimits,
  used: Partial<Measured['used']> = {},
  setAside: Partial<Measured['setAside']> = {},
  whose = 'acme/widgets',
): Measured {
  return {
    whose,
    used: { jobs: 3, ...NOTHING, ...used },
    setAside: { ...NOTHING, ...setAside },
    limits,
  };
}

describe('a job whose turn has come waits for its limits', () => {
  test.each<[name: string, day: Measured[], code: string | null, reason: RegExp]>([
    ['none are set', [measured({}, { costUsd: 1000 }, { costUsd: 1000 })], null, /^$/],
    ['jobs were counted before', [measured({ jobs: 3 })], null, /^$/],
    ['something is left', [measured({ costUsd: 5 }, { costUsd: 4 }, { costUsd: 0.99 })], null, /^$/],
    [
      'the money is used up',
      [measured({ costUsd: 5 }, { costUsd: 5.2 })],
      'day_used_up',
      /^The limit for acme\/widgets is used up for today: \$5\.20 of \$5\.00 .* goes on at 00:00 UTC, or when the limit is raised\.$/,
    ],
    [
      'less is left than an agent can begin with',
      [measured({ minutes: 60 }, { minutes: 59.4 })],
      'day_used_up',
      /59 of 60 minutes/,
    ],
    [
      'no money at all, on any day',
      [measured({ costUsd: 0 })],
      'day_used_up',
      /\$0\.00 of \$0\.00 \(limits in the settings\)\. It goes on when the limit is raised\.$/,
    ],
    [
      'others may use what is left',
      [measured({ costUsd: 5 }, { costUsd: 4 }, { costUsd: 1 })],
      'day_set_aside',
      /^What the limit for acme\/widgets leaves for today is set aside .*: \$1\.00 of \$5\.00 .* when that work has ended/,
    ],
    [
      'minutes of others',
      [measured({ minutes: 60 }, { minutes: 10 }, { minutes: 49.5 })],
      'day_set_aside',
      /50 of 60 minutes/,
    ],
    [
      'a person has used up what is theirs, which others ending does not give back',
      [
        measured({ costUsd: 5 }, { costUsd: 4 }, { costUsd: 1 }),
        measured({ minutes: 30 }, { minutes: 31 }, {}, 'alice'),
      ],
      'day_used_up',
      /^The limit for alice is used up for today: 31 of 30 minutes/,
    ],
  ])('%s', (_name, day, code, reason) => {
    const noRest = findNoRest(day, { maxBudgetUsd: 0.5, maxMinutes: 50 });

    expect(noRest?.code ?? null).toBe(code);
    expect(noRest?.reason ?? '').toMatch(reason);
  });
});

test.each([
  [
    measured({ costUsd: 20 }, { costUsd: 19.9 }),
    'day_used_up',
    /too little to begin with: \$0\.10 of \$20\.00/,
  ],
  [measured({ minutes: 600 }, { minutes: 598 }), 'day_used_up', /too little to begin with: 2 of 600 minutes/],
  [measured({ costUsd: 20 }, {}, { costUsd: 19.9 }), 'day_set_aside', /set aside for work under way/],
])(
  'an attempt does not begin with a sliver of its budget, in which it could only fail',
  (day, code, reason) => {
    const noRest = findNoRest([day], { maxBudgetUsd: 20, maxMinutes: 120 });

    expect(noRest).toEqual({ code, reason: expect.stringMatching(reason) });
  },
);

test('a small limit lets work begin all the same', () => {
  const own = { maxBudgetUsd: 20, maxMinutes: 120 };

  expect(findNoRest([measured({ costUsd: 0.3, minutes: 2 }, { costUsd: 0.28 })], own)).toBeNull();
});

test('an attempt gets no more than the day’s limits leave, the tightest one first, beside what others may still use, and is told so', () => {
  const settings = { maxBudgetUsd: 20, maxMinutes: 120 };
  const rest = toRest([
    measured({ costUsd: 100 }, { costUsd: 90, minutes: 10 }, { costUsd: 5 }),
    measured(
      { costUsd: 3, minutes: 60, jobs: 5 },
      { costUsd: 0.9, minutes: 9 },
      { costUsd: 0.1, minutes: 0.5 },
    ),
  ]);
  const budget = cutToRest(settings, rest);
  const job = { settings, kind: 'resolve' as const };

  expect(budget).toEqual({ maxBudgetUsd: 2, maxMinutes: 50 });
  expect(toBudget(job, { budget })).toEqual(budget);
  expect(describeCut(job, { budget })).toBe(
    'Today’s limits leave this job $2.00 and 50 minutes. If it gets there, its work so far becomes a draft pull request.',
  );
  // Red or unfinished, it would be published on an open pull request.
  expect(describeCut({ settings, kind: 'revise' }, { budget })).toContain('is kept as a patch');
});

test('a day with enough cuts nothing, and nothing is told', () => {
  const settings = { maxBudgetUsd: 20, maxMinutes: 120 };
  const job = { settings, kind: 'resolve' as const };

  expect(cutToRest(settings, toRest([measured({ costUsd: 40, minutes: 200 }, { costUsd: 20 })]))).toBeNull();
  expect(cutToRest(settings, toRest([measured({ jobs: 5 })]))).toBeNull();
  expect(toBudget(job, { budget: null })).toEqual(settings);
  expect(describeCut(job, { budget: null })).toBeNull();
});

test.each([
  ['minutes alone', { minutes: 10.4 }, { maxBudgetUsd: 20, maxMinutes: 10 }, /leave this job 10 minutes\./],
  ['the last minute', { minutes: 1.9 }, { maxBudgetUsd: 20, maxMinutes: 1 }, /leave this job 1 minute\./],
  ['money alone', { costUsd: 5 - 4.1 }, { maxBudgetUsd: 0.9, maxMinutes: 120 }, /leave this job \$0\.90\./],
])('%s', (_name, limits, budget, told) => {
  const settings = { maxBudgetUsd: 20, maxMinutes: 120 };

  expect(cutToRest(settings, toRest([measured(limits)]))).toEqual(budget);
  expect(describeCut({ settings, kind: 'resolve' }, { budget })).toMatch(told);
});
