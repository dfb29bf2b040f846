import { z } from 'zod';
import { wholeNumber } from './settings-values.ts';

/** What may be used up in a day, by whomever. */
export const DailyLimits = z.strictObject(
  {
    jobs: wholeNumber(0, 100_000).optional().describe('Most jobs a day.'),
    usd: z
      .number('must be a number')
      .nonnegative('must not be below 0')
      .max(1_000_000, 'must be at most 1000000')
      .optional()
      .describe('Most money a day in US dollars, by the agents’ own estimates.'),
    minutes: wholeNumber(0, 1_000_000).optional().describe('Most minutes of runners a day.'),
  },
  'must be keys with numbers: jobs, usd, minutes',
);

/** `limits` in the settings. */
export const Limits = z.strictObject(
  {
    repository: DailyLimits.nullish().describe('For all jobs of the repository.'),
    person: DailyLimits.nullish().describe('For the jobs of each person.'),
  },
  'must be keys with limits: repository, person',
);
