import { describe, expect, test } from 'vitest';
import type { AttemptId, JobId } from '../../src/contract/identifiers.ts';
import { decidePress, type PressSituation } from '../../src/domain/decide-press.ts';
import { combineSettings } from '../../src/domain/repo-settings.ts';
import { aJob, anAttempt } from '../support/job-builders.ts';

const attempt = anAttempt();
const failed = aJob({ state: 'failed', outcome: 'agent_failed', instructions: 'only the totals' });
const succeeded = aJob({ state: 'succeeded', outcome: 'pull_request', instructions: 'only the totals' });
const open = {
  found: true,
  issue: aJob().issue,
  state: 'open',
  locked: false,
  isPullRequest: false,
  openBlockers: [],
} as const;

function decide(facts: Partial<PressSituation>) {
  const { job = failed } = facts;
  return decidePress({
    wish: 'retry',
    sender: { login: 'alice' },
    permission: 'write',
    denial: null,
    repository: 'acme/widgets',
    job,
    attempt,
    currentAttemptId: attempt.id,
    jobs: [job],
    issue: open,
    settings: combineSettings([]),
    settingsProblem: null,
    openPullRequests: [],
    revision: null,
    statusUrl: null,
    ...facts,
  });
}

describe('what a button does', () => {
  test.each<[PressSituation['wish'], Partial<PressSituation>, object]>([
    ['retry', {}, { kind: 'start', specialty: 'backend', instructions: 'only the totals' }],
    ['rerun', {}, { kind: 'start', reason: 'alice asked for it by re-running its check run' }],
    ['ask_again', { job: succeeded }, { kind: 'start', instructions: 'only the totals' }],
    ['cancel', { job: aJob({ state: 'running' }) }, { kind: 'cancel', jobs: [{ state: 'running' }] }],
  ])('%s (%o)', (wish, facts, action) => {
    expect(decide({ wish, ...facts })).toMatchObject({ kind: 'accept', actions: [action] });
  });

  test('a label that was refused since takes nothing away from it', () => {
    const refused = aJob({ id: 'r' as JobId, state: 'refused', instructions: null });

    expect(decide({ jobs: [refused, failed] })).toMatchObject({
      kind: 'accept',
      actions: [{ instructions: 'only the totals' }],
    });
  });
});

describe('what it does not do, and why', () => {
  const newer = aJob({ id: 'n' as JobId, state: 'running' });
  test.each<[PressSituation['wish'], Partial<PressSituation>, RegExp]>([
    ['retry', { permission: 'read' }, /may only read `acme\/widgets`, and `\/agent retry` needs write/],
    ['cancel', { permission: 'none', jobs: [newer, failed] }, /has no access/],
    ['retry', { jobs: [newer, failed] }, /asked for again since/],
    ['cancel', { jobs: [newer, failed] }, /asked for again since/],
    [
      'cancel',
      { job: aJob({ state: 'running', attemptNumber: 2 }), currentAttemptId: 'x' as AttemptId },
      /Attempt 2 took the place of attempt 1/,
    ],
    ['rerun', { job: succeeded }, /nothing to retry/],
    ['cancel', {}, /There is nothing to cancel/],
    ['retry', { issue: { ...open, state: 'closed' } }, /Reopen it/],
    ['ask_again', { job: succeeded, issue: { ...open, locked: true } }, /Unlock it/],
    ['retry', { settingsProblem: 'Line 3 is no YAML.' }, /Line 3/],
  ])('%s (%o)', (wish, facts, reason) => {
    expect(decide({ wish, ...facts })).toMatchObject({
      kind: 'refuse',
      reason: expect.stringMatching(reason),
    });
  });
});
