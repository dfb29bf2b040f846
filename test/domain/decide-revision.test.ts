import { describe, expect, test } from 'vitest';
import { decideRevision, type RevisionSituation } from '../../src/domain/decide-revision.ts';
import { combineSettings } from '../../src/domain/repo-settings.ts';
import { aJob, aRevision, aRevisionReading } from '../support/job-builders.ts';

function decideFor(facts: Partial<RevisionSituation>) {
  return decideRevision({
    wish: { cause: 'review', instructions: 'shorter', checks: [] },
    reading: aRevisionReading(),
    issue: {
      found: true,
      issue: aJob().issue,
      state: 'open',
      locked: false,
      isPullRequest: false,
      openBlockers: [],
    },
    settings: combineSettings([]),
    settingsProblem: null,
    jobs: [],
    ...facts,
  });
}

const round = (number: number, counted = number, state: 'failed' | 'refused' = 'failed') =>
  aJob({ kind: 'revise', state, revision: aRevision({ round: number, counted }) });

describe('rounds of a pull request', () => {
  test('the sixth in a row is left to people, whatever wants it but a command', () => {
    const jobs = [round(5), round(4)];
    for (const cause of ['review', 'conflict', 'checks'] as const) {
      const wish = { cause, instructions: 'shorter', checks: [] };
      expect(decideFor({ wish, jobs })).toMatchObject({ kind: 'refused', code: 'rounds' });
    }
    expect(decideFor({ jobs: [round(4)] })).toMatchObject({ revision: { round: 5, counted: 5 } });
  });

  test('a command begins the count anew, and the next review goes on from there', () => {
    const asked = decideFor({
      wish: { cause: 'asked', instructions: 'shorter', checks: [] },
      jobs: [round(5)],
    });

    expect(asked).toMatchObject({ revision: { round: 6, counted: 1 } });
    expect(decideFor({ jobs: [round(6, 1), round(5)] })).toMatchObject({
      revision: { round: 7, counted: 2 },
    });
  });

  test('those of another pull request, and what never began, do not count', () => {
    const other = aRevision({
      pullRequest: { number: 8, url: 'https://github.com/acme/widgets/pull/8' },
      counted: 5,
    });

    const decision = decideFor({
      jobs: [round(5, 5, 'refused'), aJob({ kind: 'revise', state: 'failed', revision: other })],
    });

    expect(decision).toMatchObject({ revision: { round: 1, counted: 1 } });
  });
});

test('conflicts are enough to work on, and are merged', () => {
  const wish = { cause: 'asked' as const, instructions: null, checks: [] };

  expect(decideFor({ wish })).toMatchObject({ kind: 'refused', code: 'nothing' });
  expect(decideFor({ wish, reading: aRevisionReading({ hasConflicts: true }) })).toMatchObject({
    revision: { mergeBase: true },
  });
});

test('the settings of now count, the issue is the one of the pull request, and who did it is the first choice', () => {
  const reading = aRevisionReading();
  const settings = combineSettings([{ specialties: { backend: { max_minutes: 5 } } }]);

  expect(decideFor({ reading, settings })).toMatchObject({
    job: reading.job,
    settings: { maxMinutes: 5 },
    revision: { runnerId: reading.runnerId },
  });
});
