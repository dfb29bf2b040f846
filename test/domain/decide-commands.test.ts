import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { COMMANDS, parseComment } from '../../src/domain/command-grammar.ts';
import { decideCommands, type CommandSituation } from '../../src/domain/decide-commands.ts';
import { combineSettings, parseRepoSettings } from '../../src/domain/repo-settings.ts';
import { readSettingsDocument } from '../../src/domain/settings-document.ts';
import { describeProblems } from '../../src/domain/settings-problem.ts';
import { judgePerson } from '../../src/domain/who-may-start.ts';
import { BUDGETS } from '../../src/domain/timings.ts';
import { aJob, aRevision, aRevisionReading } from '../support/job-builders.ts';

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/commands.md'), 'utf8');
const unlabelled = { ...aJob().issue, labels: ['bug'] };
const open = {
  found: true,
  issue: unlabelled,
  state: 'open',
  locked: false,
  isPullRequest: false,
  openBlockers: [],
} as const;

const { denial: LEFT_OUT } = judgePerson({
  login: 'mallory',
  permission: 'write',
  teams: { kind: 'none' },
  rules: { role: 'maintain', teams: ['acme/web'], bots: [] },
});
const document = readSettingsDocument('labels:\n  bug: backend\ndefaults: {tset: x}\n');
const MISTAKE = document.ok ? '' : describeProblems(document.problems, document.more);
const LINKED = {
  job: null,
  number: 8,
  url: 'https://github.com/acme/widgets/pull/8',
  author: 'bob',
  association: 'MEMBER',
};
const PULL_URL = 'https://github.com/acme/widgets/pull/7';

/** What a comment of Mallory's is answered, read and decided as it would be. */
function decideComment(comment: string, facts: Partial<CommandSituation> = {}) {
  const reading = parseComment(comment);
  if (reading.kind !== 'commands')
    return { kind: 'refuse' as const, reason: 'message' in reading ? reading.message : '' };
  return decideCommands({
    lines: reading.lines,
    sender: { login: 'mallory' },
    permission: 'write',
    denial: null,
    repository: 'acme/widgets',
    isPullRequest: false,
    issue: open,
    settings: combineSettings([]),
    settingsProblem: null,
    jobs: [],
    openPullRequests: [],
    revision: null,
    statusUrl: null,
    by: 'by a command',
    ...facts,
  });
}

describe('docs/commands.md', () => {
  test.each<[string, Partial<CommandSituation>]>([
    ['/agent rnu', {}],
    ['/agent run --agnt house', {}],
    ['/agent run backend now', {}],
    ['/agent run --model', {}],
    ['/agent run --', {}],
    ['/agent priority urgent', {}],
    ['/agent fix', { isPullRequest: true, revision: aRevisionReading() }],
    ['/agent fix it', { isPullRequest: true }],
    ['/agent fix it', { isPullRequest: true, revision: aRevisionReading({ state: 'merged' }) }],
    ['/agent fix it', { isPullRequest: true, revision: aRevisionReading(), jobs: [aJob()] }],
    [
      '/agent fix it',
      { isPullRequest: true, revision: aRevisionReading(), issue: { ...open, state: 'closed' } },
    ],
    ['/agent run', { permission: 'read' }],
    ['/agent run', { denial: LEFT_OUT }],
    ['/agent run bakend', {}],
    ['/agent run', {}],
    ['/agent run', { issue: { ...open, issue: { ...unlabelled, title: 'The page is empty' } } }],
    ['/agent run', { settingsProblem: MISTAKE }],
    ['/agent retry', { jobs: [aJob({ state: 'succeeded', pullRequest: { number: 7, url: PULL_URL } })] }],
    ['/agent retry frontend', {}],
    ['/agent priority high', {}],
    ['/agent run backend\n/agent run backend', {}],
    ['/agent run', { issue: { ...open, state: 'closed' } }],
    ['/agent run', { issue: { ...open, locked: true } }],
    ['/agent run', { isPullRequest: true }],
    ['/agent run backend', { jobs: [aJob()] }],
    ['/agent run backend', { openPullRequests: [{ job: aJob(), number: 7, url: PULL_URL }] }],
    ['/agent run backend', { openPullRequests: [LINKED] }],
    ['/agent retry', { jobs: [aJob({ state: 'failed' })], openPullRequests: [LINKED] }],
    ['/agent retry', {}],
    ['/agent cancel', {}],
    ['/agent hold', { jobs: [aJob({ state: 'running' })] }],
    ['/agent unhold', {}],
    ['/agent unhold', { jobs: [aJob(), aJob({ specialty: 'frontend', state: 'running' })] }],
    ['/agent cancel frontend', { jobs: [aJob()] }],
    ['/agent priority high', { jobs: [aJob({ state: 'running' })] }],
    ['/agent fix it', {}],
  ])('tells how %s is refused (%o)', (comment, facts) => {
    const decision = decideComment(comment, facts);

    expect(decision.kind).toBe('refuse');
    const reason = 'reason' in decision ? decision.reason : '';
    expect(page).toContain(`| ${reason.replaceAll('|', '\\|')} |`);
  });

  test('lists every command with who may use it, and the limit', () => {
    for (const { usage, about, needs } of Object.values(COMMANDS)) {
      expect(page).toContain(`| \`${usage.replaceAll('|', '\\|')}\` | ${about} | ${needs} |`);
    }
    expect(page).toContain(
      `More than ${BUDGETS.commandsPerPerson} comments with commands by one person within ${BUDGETS.commandWindowMinutes} minutes`,
    );
  });
});

describe('what is decided', () => {
  test('somebody’s open pull request keeps no work from being done that is asked for anyway; our own does', () => {
    const ours = { job: aJob(), number: 7, url: PULL_URL };

    expect(decideComment('/agent run backend --anyway', { openPullRequests: [LINKED] })).toMatchObject({
      kind: 'accept',
      actions: [{ kind: 'start', specialty: 'backend' }],
    });
    expect(decideComment('/agent run backend --anyway', { openPullRequests: [ours, LINKED] })).toMatchObject({
      kind: 'refuse',
      reason: expect.stringContaining('Pull request #7'),
    });
    // Another specialty's is no reason.
    expect(decideComment('/agent run frontend', { openPullRequests: [ours] })).toMatchObject({
      kind: 'accept',
    });
  });

  test.each(['OWNER', 'MEMBER', 'COLLABORATOR'])(
    'a pull request of %s keeps work from starting',
    (association) => {
      const open = [{ ...LINKED, association }];

      expect(decideComment('/agent run backend', { openPullRequests: open })).toMatchObject({
        kind: 'refuse',
      });
    },
  );

  test.each(['NONE', 'CONTRIBUTOR', 'FIRST_TIMER', 'MANNEQUIN', 'A_NEW_WORD'])(
    'a pull request of %s is told of, and keeps no work from starting',
    (association) => {
      const stranger = { ...LINKED, number: 9, author: 'mallory', association };
      const jobs = [aJob({ state: 'failed' })];

      for (const command of ['/agent run backend', '/agent retry'])
        expect(decideComment(command, { jobs, openPullRequests: [stranger, stranger] })).toMatchObject({
          kind: 'accept',
          actions: [
            {
              kind: 'start',
              beside: expect.stringContaining('Pull request #9 by mallory (and 1 more like it) would close'),
            },
          ],
        });
      expect(
        decideComment('/agent run backend', { openPullRequests: [stranger, LINKED] }),
        'a stranger’s hides no member’s',
      ).toMatchObject({ kind: 'refuse', reason: expect.stringContaining('#8') });
    },
  );

  test('retry, too, can be wanted anyway, and says so', () => {
    const facts = { jobs: [aJob({ state: 'failed', instructions: 'small' })], openPullRequests: [LINKED] };

    expect(decideComment('/agent retry', facts)).toMatchObject({
      kind: 'refuse',
      reason: expect.stringContaining('`/agent retry backend --anyway`'),
    });
    expect(decideComment('/agent retry backend --anyway', facts)).toMatchObject({
      kind: 'accept',
      actions: [{ kind: 'start', instructions: 'small', beside: null }],
    });
  });

  test('retry takes the last job that did not succeed, and says so when there is none', () => {
    const failed = aJob({ state: 'failed', instructions: 'keep it small' });
    const done = aJob({
      state: 'succeeded',
      pullRequest: { number: 7, url: 'https://github.com/acme/widgets/pull/7' },
    });

    expect(decideComment('/agent retry', { jobs: [failed] })).toMatchObject({
      kind: 'accept',
      actions: [{ kind: 'start', specialty: 'backend', instructions: 'keep it small' }],
    });
    expect(decideComment('/agent retry', { jobs: [done] })).toMatchObject({
      kind: 'refuse',
      reason: expect.stringContaining('/pull/7'),
    });
  });

  test('retry of a revision that came to nothing is another one, with what is unanswered by then', () => {
    const reading = aRevisionReading();
    const failed = aJob({
      kind: 'revise',
      state: 'failed',
      instructions: 'shorter',
      revision: { ...aRevision(), round: 2, counted: 2 },
    });

    const decision = decideComment('/agent retry', { jobs: [failed], revision: reading });

    expect(decision).toMatchObject({
      kind: 'accept',
      actions: [
        { kind: 'revise', instructions: 'shorter', revision: { cause: 'asked', round: 3, counted: 1 } },
      ],
    });
  });

  test('who names an agent gets that one and no other', () => {
    const reading = parseRepoSettings('defaults: {agent: [claude, codex]}');
    if (!reading.ok) throw new Error(reading.message);
    const { settings } = reading;
    const started = (comment: string) => {
      const verdict = decideComment(comment, { settings });
      const action = 'actions' in verdict ? verdict.actions[0] : undefined;
      return action?.kind === 'start' ? [action.settings.agent, action.settings.otherAgents] : null;
    };

    expect(started('/agent run backend')).toEqual(['claude', ['codex']]);
    expect(started('/agent run backend --agent house')).toEqual(['house', undefined]);
  });

  test('what is under way is linked, where the issue tells of it', () => {
    const statusUrl = 'https://github.com/acme/widgets/issues/42#issuecomment-9';

    expect(decideComment('/agent run backend', { jobs: [aJob()], statusUrl })).toMatchObject({
      kind: 'refuse',
      reason: expect.stringContaining(`Its [status](${statusUrl}) tells where it stands`),
    });
  });

  test('a reader may ask for status and help only; whoever has no access, for nothing', () => {
    expect(decideComment('/agent status\n/agent help', { permission: 'read' }).kind).toBe('accept');
    expect(decideComment('/agent runners', { permission: 'read' }).kind).toBe('refuse');
    expect(decideComment('/agent help', { permission: 'none' }).kind).toBe('refuse');
  });

  test('the same work twice in one comment is refused whole', () => {
    expect(decideComment('/agent run backend\n/agent run backend').kind).toBe('refuse');
  });
});
