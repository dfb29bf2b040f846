import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { explainBlockers } from '../../src/domain/blockers.ts';
import { toPressAnswer, toRefusalAnswer, toTopicsAnswer } from '../../src/domain/command-answer-text.ts';
import type { AnswerFacts } from '../../src/domain/command-answer-text.ts';
import { parseComment } from '../../src/domain/command-grammar.ts';
import {
  decideCommands,
  type CommandDecision,
  type CommandSituation,
} from '../../src/domain/decide-commands.ts';
import { findNoRest, toRest, cutToRest } from '../../src/domain/day-rest.ts';
import {
  type Attempt,
  type Job,
  LIMIT_NOTICE,
  type RunnerView,
  SETTINGS_NOTICE,
} from '../../src/domain/job.ts';
import { PAUSED_REASON } from '../../src/domain/paused.ts';
import { toPullRequest } from '../../src/domain/pull-request-text.ts';
import { parseRepoSettings } from '../../src/domain/repo-settings.ts';
import {
  toFailedRoundText,
  toLaterText,
  toNeedsHumanText,
  toLateReviewText,
  toReviewRefusalText,
  toReviewWaitsText,
  toThreadAnswers,
} from '../../src/domain/revision-text.ts';
import { readSettingsDocument } from '../../src/domain/settings-document.ts';
import { describeLastGood, describeProblems } from '../../src/domain/settings-problem.ts';
import { toSettingsCheckRun } from '../../src/domain/settings-check-text.ts';
import { judgeDailyLimit, type LimitVerdict } from '../../src/domain/spending.ts';
import { type ReportedJob, statusMarker, toStatusComment } from '../../src/domain/status-comment-text.ts';
import { aJob, anAttempt, aResult, aRevision, aRunningAttempt, NOON_MS } from '../support/job-builders.ts';
import { aRunnerView } from '../support/runner-builders.ts';

/*
 * What people read on GitHub and no other file of tests holds. Each text is made by what makes it in earnest, out of a situation that
 * people meet; `npm run texts:shots` makes pictures of them all.
 */

const OPEN = { number: 7, url: 'https://github.com/acme/widgets/pull/7' };

describe('answers to commands', () => {
  test.each([
    ['status', [running(), waiting('frontend', 2)]],
    ['why', [waiting('backend', 3)]],
    ['runners', []],
    ['help', []],
  ] as const)('%s', async (topic, jobs) => {
    await isAsIn(`answer-${topic}`, toTopicsAnswer({ marker: '', topics: [topic], facts: aSituation(jobs) }));
  });

  test('status of an issue on which nothing was asked for', async () => {
    const facts = { ...aSituation([]), statusUrl: null, month: [] };

    await isAsIn('answer-status-nothing', toTopicsAnswer({ marker: '', topics: ['status'], facts }));
  });

  test('why, where nothing was asked for and the settings can’t be used', async () => {
    const { why, ...facts } = aSituation([]);
    if (why === null) throw new Error('there is nothing to ask');
    await isAsIn(
      'answer-why-nothing',
      toTopicsAnswer({
        marker: '',
        topics: ['why'],
        facts: { ...facts, why: { ...why, settingsProblem: MISTAKE } },
      }),
    );
  });

  test.each([
    ['misspelt', '/agent rnu backend'],
    ['unknown-specialty', '/agent run bakend'],
    ['nothing-to-cancel', '/agent cancel'],
    ['no-pull-request', '/agent fix the totals'],
    ['no-access', '/agent run backend'],
  ])('a refusal: %s', async (name, comment) => {
    const reading = parseComment(comment);
    const permission = name === 'no-access' ? 'read' : 'write';
    const reason = reading.kind === 'commands' ? refusalOf(reading.lines, permission) : toMistake(reading);

    await isAsIn(`answer-refused-${name}`, toRefusalAnswer({ marker: '', reason }));
  });

  test('a button that did nothing', async () => {
    const reason =
      'A `backend` job is under way on this issue already. `/agent status` tells where it stands.';

    await isAsIn(
      'answer-press',
      toPressAnswer({
        marker: '',
        sender: 'bob',
        button: 'retry',
        checkRunUrl: 'https://github.com/acme/widgets/runs/900',
        reason,
      }),
    );
  });
});

describe('the check of the settings', () => {
  const repository = { owner: 'acme', name: 'widgets' };

  test.each([
    [
      'good',
      [
        '_extends: acme/settings',
        'labels: {bug: backend, "agent:db": database}',
        'specialties:',
        '  database: {needs: [docker, postgresql], test: [npm run test:db], max_budget_usd: 3, max_minutes: 40}',
        'limits: {repository: {jobs: 40, usd: 20}, person: {jobs: 10}}',
        'triggers: {role: maintain, bots: ["renovate[bot]"]}',
      ],
    ],
    ['doubtful', ['labels: {bug: bakend}', 'defaults: {test: [npm, test]}']],
    [
      'broken',
      [
        'specialties:',
        '  backend: {tests: npm test, max_minutes: never}',
        'limits: {repository: {jobs: -1}}',
      ],
    ],
  ])('%s', async (name, lines) => {
    const text = `${lines.join('\n')}\n`;
    const proposed = { kind: 'read' as const, text, reading: readSettingsDocument(text), extension: null };

    const { content } = toSettingsCheckRun({ repository, proposed, isFork: false });

    await isAsIn(
      `check-run-settings-${name}`,
      `${content.status} ${content.conclusion}\n${content.title}\n\n${content.summary}`,
    );
  });

  test('removed', async () => {
    const proposed = { kind: 'none' as const, appliesThen: null };

    const { content } = toSettingsCheckRun({ repository, proposed, isFork: false });

    await isAsIn(
      'check-run-settings-removed',
      `${content.status} ${content.conclusion}\n${content.title}\n\n${content.summary}`,
    );
  });
});

describe('on a pull request that is open', () => {
  const thread = (id: number) => ({ id, path: 'src/cart.js', line: 7, hunk: '', comments: [] });
  const revision = aRevision({ cause: 'review', round: 2, threads: [thread(11), thread(12)] });
  const summary =
    'The total is a constant now.\n\nComment 1: It is `TOTAL`, as you suggested, and `test/cart.test.js` has a case for it.';
  const round = aJob({
    kind: 'revise',
    state: 'succeeded',
    outcome: 'pull_request',
    pullRequest: OPEN,
    revision,
  });

  test('what is said beside the work', async () => {
    const failed = toFailedRoundText(round, 'The agent changed nothing.', null);
    const lost = toFailedRoundText(round, 'The runner be-1 was not heard of any more.', 'c'.repeat(40));
    const notes = [
      toReviewWaitsText(),
      toLateReviewText('rita'),
      toReviewRefusalText('Issue #42, which this is for, is closed. Reopen it, then ask again.'),
      toNeedsHumanText(
        'I have reworked this pull request 5 times in a row without a command, and stop here.',
      ),
      failed,
      lost,
    ];

    await isAsIn('notes', notes.join('\n\n---\n\n'));
  });

  test('answers in the threads of a review', async () => {
    const answers = toThreadAnswers({ job: round, attempt: anAttempt({ result: aResult({ summary }) }) });
    const later = [toLaterText(revision, true), toLaterText(revision, false)];

    await isAsIn('thread-answers', [...answers.map(({ body }) => body), ...later].join('\n\n---\n\n'));
  });

  test('its own text after two rounds', async () => {
    const first = aRunningAttempt({ result: aResult() });
    const earlier = [
      { job: aJob(), attempt: first },
      {
        job: { ...round, revision: aRevision({ cause: 'checks' }) },
        attempt: aRunningAttempt({
          result: aResult({ summary: 'Mended the type errors that `lint` told of.' }),
        }),
      },
    ];

    const { body } = toPullRequest({
      job: round,
      attempt: aRunningAttempt({ result: aResult({ summary }) }),
      earlier,
    });

    await isAsIn('pull-request-rounds', body);
  });

  test('its own text when a limit ended the work, of which more is to come', async () => {
    const result = aResult({ unfinished: 'The agent has used all its 200 turns.' });

    const { title, body, draft } = toPullRequest({
      job: aJob(),
      attempt: aRunningAttempt({ result }),
      isPart: true,
    });

    expect([title, draft]).toEqual(['Totals are wrong for empty carts', true]);
    await isAsIn('pull-request-unfinished', body);
  });
});

describe('the status comment of', () => {
  const used = { jobs: 9, costUsd: 15, minutes: 0 };
  const day = { whose: 'acme/widgets', used, setAside: { costUsd: 0, minutes: 0 }, limits: { costUsd: 20 } };
  const own = { maxBudgetUsd: 20, maxMinutes: 120 };
  const budget = cutToRest(own, toRest([day]));
  const spent = findNoRest([{ ...day, used: { ...used, costUsd: 20.03 } }], own);
  const setAside = findNoRest([{ ...day, setAside: { costUsd: 5, minutes: 60 } }], own);
  const near = judgeDailyLimit('acme/widgets', { jobs: 8, costUsd: 0, minutes: 0 }, { jobs: 10 });
  const over = judgeDailyLimit('alice', { jobs: 10, costUsd: 0, minutes: 0 }, { jobs: 10 });

  test.each<[string, Partial<Job>, ReportedJob['events'], Partial<Attempt>?]>([
    ['held', { state: 'held', stateReason: holdReason() }, tell('held', holdReason())],
    ['blocked', { state: 'held', stateReason: explainBlockers(BLOCKERS, 'acme/widgets') }, []],
    ['paused', { state: 'held', stateReason: PAUSED_REASON }, []],
    ['limits', { state: 'running' }, tell(LIMIT_NOTICE, reasonOf(near)), { budget }],
    ['day-used-up', { stateReason: spent?.reason ?? null }, []],
    ['day-set-aside', { stateReason: setAside?.reason ?? null }, []],
    ['over-limit', { state: 'refused', attemptNumber: 0, stateReason: reasonOf(over) }, []],
    ['settings-notice', { state: 'running' }, tell(SETTINGS_NOTICE, describeLastGood(MISTAKE))],
    ['dead', { state: 'dead', offers: 10, stateReason: NOBODY_TOOK_IT }, []],
    ['round', { kind: 'revise', state: 'running', revision: aRevision({ cause: 'review', round: 2 }) }, []],
  ])('%s', async (name, facts, events, work = {}) => {
    const job = aJob(facts);
    const begun = job.state === 'running' ? aRunningAttempt(work) : anAttempt(work);
    const attempt = job.attemptNumber === 0 ? null : begun;
    const marker = statusMarker({ repositoryId: 71, issueNumber: 42 });

    const comment = toStatusComment({
      marker,
      jobs: [{ job, attempt, earlierAttempts: [], events, queuePosition: job.state === 'queued' ? 2 : null }],
    });

    await isAsIn(`status-comment-${name}`, comment);
  });
});

const BLOCKERS = [
  { repository: 'acme/widgets', number: 40 },
  { repository: 'acme/secret', number: 3 },
  { repository: 'acme/widgets', number: 43, isSubIssue: true },
];
const MISTAKE = describeMistakes('specialties:\n  backend:\n    tests: npm test\n');
const NOBODY_TOOK_IT =
  'No runner took the job in 10 offers. be-1 did not answer within 30 s. Look at the runners, then ask again.';

function tell(kind: string, text: string): ReportedJob['events'] {
  return [{ jobId: aJob().id, atMs: NOON_MS, kind, text }];
}

function reasonOf(verdict: LimitVerdict): string {
  return verdict.kind === 'free' ? 'free' : verdict.reason;
}

function running(): ReportedJob {
  return {
    job: aJob({ state: 'running' }),
    attempt: aRunningAttempt({
      progress: {
        agent: { name: 'claude-code', model: 'claude-sonnet' },
        usage: { inputTokens: 21_000, outputTokens: 900, costUsd: 0.0812, turns: 5 },
      },
    }),
    earlierAttempts: [],
    events: [],
    queuePosition: null,
  };
}

function waiting(specialty: string, queuePosition: number): ReportedJob {
  const stateReason = `The only \`${specialty}\` runner that is online is busy (2 of 2 slots).`;
  return {
    job: aJob({ specialty, label: `agent:${specialty}`, stateReason }),
    attempt: anAttempt(),
    earlierAttempts: [],
    events: [],
    queuePosition,
  };
}

/** Three runners, of which one is full, one away, and one of another specialty. */
function aSituation(jobs: readonly ReportedJob[]): AnswerFacts {
  const reading = parseRepoSettings('limits: {repository: {jobs: 40, usd: 20}}\n');
  if (!reading.ok) throw new Error(reading.message);
  return {
    jobs,
    statusUrl: 'https://github.com/acme/widgets/issues/42#issuecomment-1',
    runners: [
      aRunner('be-1', { active: 2, accepting: false }),
      aRunner('be-2', { state: 'gone' }),
      aRunner('fe-1', { specialties: ['frontend', 'testing'], active: 0 }),
    ],
    nowMs: NOON_MS,
    month: [
      {
        repository: 'acme/widgets',
        specialty: 'backend',
        jobs: 12,
        pullRequests: 9,
        costUsd: 7.5,
        minutes: 143.4,
        inputTokens: 1,
        outputTokens: 1,
      },
      {
        repository: 'acme/widgets',
        specialty: 'frontend',
        jobs: 1,
        pullRequests: 0,
        costUsd: null,
        minutes: 3,
        inputTokens: 1,
        outputTokens: 1,
      },
    ],
    why: {
      asker: { login: 'alice', permission: 'write', denial: null },
      issue: {
        found: true,
        issue: aJob().issue,
        state: 'open',
        locked: false,
        isPullRequest: false,
        openBlockers: [],
      },
      settings: reading.settings,
      settingsProblem: null,
      settingsNotice: null,
      durationsMs: new Map([['backend', [240_000, 300_000, 420_000]]]),
      passedOver: new Map(),
      atWork: new Map([['backend', 2]]),
      limits: { refusal: null, used: ['acme/widgets 3 of 40 jobs, $2.00 of $20.00'] },
      noRest: new Map(),
    },
  };
}

function aRunner(name: string, facts: Partial<RunnerView>): RunnerView {
  return aRunnerView(name, { capabilities: ['agent:claude', 'node:22'], ...facts });
}

/** As it is told of a file on the default branch. */
function describeMistakes(text: string): string {
  const document = readSettingsDocument(text);
  return document.ok ? 'there is no mistake' : describeProblems(document.problems, document.more);
}

/** Why work waits that bob has put on hold. */
function holdReason(): string {
  const reading = parseComment('/agent hold');
  const decision = reading.kind === 'commands' ? decide(reading.lines, 'write', [aJob()]) : null;
  const [action] = decision?.kind === 'accept' ? decision.actions : [];
  return action?.kind === 'hold' ? action.reason : 'nothing was put on hold';
}

/** On an issue on which nothing was asked for. */
function refusalOf(lines: CommandSituation['lines'], permission: CommandSituation['permission']): string {
  const decision = decide(lines, permission, []);
  return decision.kind === 'refuse' ? decision.reason : 'it was accepted';
}

function decide(
  lines: CommandSituation['lines'],
  permission: CommandSituation['permission'],
  jobs: readonly Job[],
): CommandDecision {
  const { why } = aSituation([]);
  if (why === null) throw new Error('there are no settings');
  return decideCommands({
    lines,
    sender: { login: 'bob' },
    permission,
    denial: null,
    repository: 'acme/widgets',
    isPullRequest: false,
    issue: why.issue,
    settings: why.settings,
    settingsProblem: null,
    jobs,
    openPullRequests: [],
    revision: null,
    statusUrl: null,
    by: 'by a command',
  });
}

function toMistake(reading: ReturnType<typeof parseComment>): string {
  return reading.kind === 'mistake' ? reading.message : 'there is no mistake';
}

async function isAsIn(name: string, text: string): Promise<void> {
  const file = path.resolve(import.meta.dirname, `../fixtures/texts/${name}.md`);
  await expect(`${text}\n`).toMatchFileSnapshot(file);
}
