import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { FileChange } from '../../src/contract/attempt-result.ts';
import type { AttemptId, JobId } from '../../src/contract/identifiers.ts';
import { explainBlockers } from '../../src/domain/blockers.ts';
import { type ChangedEntry, judgeChanges } from '../../src/domain/change-policy.ts';
import { decide, type IssueReading, type Situation } from '../../src/domain/decide.ts';
import { decidePress, type PressSituation } from '../../src/domain/decide-press.ts';
import { toTable } from '../../src/domain/markdown-escape.ts';
import { combineSettings } from '../../src/domain/repo-settings.ts';
import { decideRevision, type RevisionSituation } from '../../src/domain/decide-revision.ts';
import { PAUSED_REASON } from '../../src/domain/paused.ts';
import { toRunningText } from '../../src/domain/running-text.ts';
import { readSettingsDocument } from '../../src/domain/settings-document.ts';
import { describeProblems } from '../../src/domain/settings-problem.ts';
import { explainPredecessors } from '../../src/domain/specialty-order.ts';
import { judgeDailyLimit } from '../../src/domain/spending.ts';
import { judgePerson } from '../../src/domain/who-may-start.ts';
import { aJob, aRepository, aRevision, aRevisionReading } from '../support/job-builders.ts';

/**
 * The page is made of the very functions that refuse, so it can't say what is no longer so. When a text has changed on purpose: delete
 * docs/refusals.md, run this test, and read what it wrote.
 */
const PAGE = path.resolve(import.meta.dirname, '../../docs/refusals.md');

const settings = combineSettings([]);
const issue = { ...aJob().issue, labels: ['agent:backend'] };
const reading: Extract<IssueReading, { found: true }> = {
  found: true,
  issue,
  state: 'open',
  locked: false,
  isPullRequest: false,
  openBlockers: [],
};

const { denial: LEFT_OUT } = judgePerson({
  login: 'mallory',
  permission: 'write',
  teams: { kind: 'none' },
  rules: { role: 'maintain', teams: ['acme/web'], bots: [] },
});

const document = readSettingsDocument('labels:\n  bug: backend\ndefaults: {tset: x}\n');
const MISTAKE = document.ok ? '' : describeProblems(document.problems, document.more);

const LABELS: [string, Partial<Situation> & { isTextUnsure?: boolean }][] = [
  ['by somebody who may only read', { permission: 'read' }],
  ['by somebody without access', { permission: 'none' }],
  ['by somebody whom `triggers` in the settings leave out', { denial: LEFT_OUT }],
  ['while the settings have a mistake, and never were without one', { settingsProblem: MISTAKE }],
  ['on a pull request', { issue: { ...reading, isPullRequest: true } }],
  ['on a closed issue', { issue: { ...reading, state: 'closed' } }],
  ['on a locked issue', { issue: { ...reading, locked: true } }],
  ['found late, and the issue has changed since', { isTextUnsure: true }],
  ['while work that a command began is under way', { liveJobs: [aJob({ label: null })] }],
  [
    'while a pull request of the same work is open',
    { openPullRequests: [{ job: aJob(), number: 7, url: '' }] },
  ],
  [
    'while somebody’s pull request says `Closes #42`',
    { openPullRequests: [{ job: null, number: 8, url: '', author: 'bob', association: 'MEMBER' }] },
  ],
];

function answerLabel({
  isTextUnsure = false,
  ...facts
}: Partial<Situation> & { isTextUnsure?: boolean }): string {
  const { title, body } = issue;
  const decision = decide({
    trigger: {
      kind: 'label_added',
      key: '',
      target: { installationId: 1, repository: aRepository() },
      issueNumber: issue.number,
      label: 'agent:backend',
      at: '',
      issue: { title, body },
      isTextUnsure,
      sender: { login: 'mallory', id: 1, isBot: false },
    },
    issue: reading,
    permission: 'write',
    denial: null,
    botLogin: 'yardmaster[bot]',
    settings,
    settingsProblem: null,
    settingsNotice: null,
    liveJobs: [],
    openPullRequests: [],
    ...facts,
  });
  // A list is one in the comment, and has no room in a table.
  return 'reason' in decision ? toRunningText(decision.reason) : '';
}

const failed = aJob({ state: 'failed' });
const PRESSES: [string, Partial<PressSituation>][] = [
  ['*Retry*, by somebody who may only read', { permission: 'read' }],
  ['*Retry*, by somebody whom `triggers` in the settings leave out', { denial: LEFT_OUT }],
  ['*Retry*, and the issue is closed', { issue: { ...reading, state: 'closed' } }],
  [
    '*Retry*, of work that was asked for again',
    { jobs: [aJob({ id: 'x' as JobId }), failed], statusUrl: `${issue.htmlUrl}#issuecomment-1` },
  ],
  [
    '*Cancel*, of an attempt that another one took the place of',
    {
      wish: 'cancel',
      currentAttemptId: 'y' as AttemptId,
      job: aJob({ attemptNumber: 2 }),
      jobs: [aJob({ attemptNumber: 2 })],
    },
  ],
  ['*Cancel*, of work that has ended', { wish: 'cancel' }],
];

function answerPress(facts: Partial<PressSituation>): string {
  const attempt = { id: 'a' as AttemptId, number: 1 };
  const decision = decidePress({
    wish: 'retry',
    sender: { login: 'mallory' },
    permission: 'write',
    denial: null,
    repository: 'acme/widgets',
    issue: reading,
    settings,
    settingsProblem: null,
    openPullRequests: [],
    statusUrl: null,
    revision: null,
    job: failed,
    attempt,
    currentAttemptId: attempt.id,
    jobs: [failed],
    ...facts,
  });
  return decision.kind === 'refuse' ? decision.reason : decision.kind;
}

const used = { jobs: 10, costUsd: 21.5, minutes: 61 };
const LIMITS: [string, string][] = (['jobs', 'costUsd', 'minutes'] as const).map((measure) => {
  const verdict = judgeDailyLimit('acme/widgets', used, {
    [measure]: { jobs: 10, costUsd: 20, minutes: 60 }[measure],
  });
  return [
    `${{ jobs: 'jobs', costUsd: 'money', minutes: 'minutes' }[measure]}, all used up`,
    verdict.kind === 'free' ? '' : verdict.reason,
  ];
});

const here = { repository: 'acme/widgets', number: 5 };
const open = { specialty: 'backend', standing: 'open', pullRequest: 7 } as const;
const WAITS: [string, string][] = [
  ['An open issue blocks it', explainBlockers([here], 'acme/widgets')],
  [
    'It has open sub-issues',
    explainBlockers(
      [
        { ...here, isSubIssue: true },
        { ...here, number: 6, isSubIssue: true },
      ],
      'acme/widgets',
    ),
  ],
  ['Another specialty comes first', explainPredecessors('frontend', [open])],
  ['The settings say `paused: true`', PAUSED_REASON],
  ['That one failed', explainPredecessors('frontend', [{ ...open, standing: 'ended' }])],
];

const revised = aRevisionReading();
const REVISIONS: [string, Partial<RevisionSituation>][] = [
  ['it is none of ours', { reading: null }],
  ['it was merged', { reading: { ...revised, pull: { ...revised.pull, state: 'merged' } } }],
  ['its conversation is locked', { reading: { ...revised, pull: { ...revised.pull, locked: true } } }],
  ['its issue can’t be read', { issue: { found: false, reason: 'it was deleted' } }],
  ['its issue is closed', { issue: { ...reading, state: 'closed' } }],
  ['the settings have a mistake', { settingsProblem: MISTAKE }],
  ['its specialty is gone', { reading: { ...revised, job: aJob({ specialty: 'docs' }) } }],
  ['work on it is under way', { jobs: [aJob({ state: 'running' })] }],
  [
    'it was reworked again and again without a command',
    {
      wish: { cause: 'review', instructions: null, checks: [] },
      jobs: [
        aJob({
          kind: 'revise',
          state: 'succeeded',
          revision: { ...aRevision(), pullRequest: revised.pull, counted: 5 },
        }),
      ],
    },
  ],
  [
    'nothing is unanswered, and nothing was said',
    {
      reading: { ...revised, work: { ...revised.work, threads: [], reviews: [] } },
      wish: { cause: 'asked', instructions: null, checks: [] },
    },
  ],
];

function answerRevision(facts: Partial<RevisionSituation>): string {
  const decision = decideRevision({
    wish: { cause: 'asked', instructions: 'Shorter, please', checks: [] },
    reading: revised,
    issue: reading,
    settings,
    settingsProblem: null,
    jobs: [],
    ...facts,
  });
  return decision.kind === 'refused' ? decision.reason : decision.kind;
}

const file = (name: string, more: Partial<ChangedEntry> = {}): ChangedEntry => ({
  path: name,
  mode: '100644',
  ...more,
});
const many = (count: number, change: Partial<FileChange> = {}): FileChange[] =>
  Array.from({ length: count }, (_, at) => ({
    path: `f${at}`,
    status: 'added',
    added: 1,
    removed: 0,
    ...change,
  }));
const CHANGES: [string, Omit<Parameters<typeof judgeChanges>[0], 'changes'> & { changes?: FileChange[] }][] =
  [
    ['a secret', { entries: [], secrets: [{ path: 'app.env', line: 3, rule: 'AWS' }] }],
    ['a git directory', { entries: [file('lib/.git/config')] }],
    ['a workflow', { entries: [file('.github/workflows/ci.yml')] }],
    ['what agents are told', { entries: [file('AGENTS.md')] }],
    [
      'a path of `protected_paths`',
      { entries: [file('infra/main.tf')], rules: { protectedPaths: ['infra'] } },
    ],
    ['a path outside `allowed_paths`', { entries: [file('api/x.py')], rules: { allowedPaths: ['web'] } }],
    ['a submodule', { entries: [file('lib', { mode: '160000' })] }],
    ['a link that leads out', { entries: [file('out', { mode: '120000', linkTarget: '/etc/passwd' })] }],
    ['a lock file alone', { entries: [file('package-lock.json')] }],
    ['a large file', { entries: [file('a.csv', { bytes: 7 * 1024 * 1024 })] }],
    ['many binary files', { entries: [], changes: many(21, { added: null, removed: null }) }],
    ['many files', { entries: [], changes: many(301) }],
    ['many lines', { entries: [], changes: many(1, { added: 20_001 }) }],
  ];

function answerChange({ changes = [], ...work }: (typeof CHANGES)[number][1]): string {
  const verdict = judgeChanges({ changes, ...work });
  return verdict.ok ? 'published' : verdict.reasons.join(' ');
}

const intro = `# Refusals

What Yardmaster answers when it does not do what was asked, and what can be done about it. Logins, labels and paths are examples.
Refused commands are in [commands.md](commands.md#refusals); mistakes in the settings are told with their line by \`yardmaster config check\`.`;

function toSection(title: string, about: string, heads: [string, string], rows: [string, string][]): string {
  return `## ${title}\n\n${about}\n\n${toTable(heads, rows)}`;
}

test('docs/refusals.md says what is answered, word for word', async () => {
  const page = [
    intro,
    toSection(
      'A label was added',
      'Said in the status comment.',
      ['Label `agent:backend`', 'Answer'],
      LABELS.map(([when, facts]) => [when, answerLabel(facts)]),
    ),
    toSection(
      'A button was pressed',
      'Said on the issue; what holds for the command of the same name holds for the button.',
      ['Button', 'Answer'],
      PRESSES.map(([when, facts]) => [when, answerPress(facts)]),
    ),
    toSection(
      'A pull request is to be reworked',
      'Said on the pull request, to a command or a review; what nobody asked for by hand is refused in silence.',
      ['`/agent fix`, and', 'Answer'],
      REVISIONS.map(([when, facts]) => [when, answerRevision(facts)]),
    ),
    toSection(
      'Limits of a day',
      'Said in the status comment, or as the answer to the command.',
      ['Limit', 'Answer'],
      LIMITS,
    ),
    toSection(
      'Work that waits',
      'It is accepted, and on hold until then. Why no runner takes it, `/agent why` says.',
      ['When', 'Said'],
      WAITS,
    ),
    toSection(
      'Changes that may not be published',
      'Decided by the runner before it runs the tests; said in the status comment with where the work is kept.',
      ['The work has', 'Answer'],
      CHANGES.map(([what, work]) => [what, answerChange(work)]),
    ),
  ].join('\n\n');

  await expect(`${page}\n`).toMatchFileSnapshot(PAGE);
});

test.each([
  ['decide.ts', /return refuse\(|kind: 'point_to', reason,/g, LABELS.length - 1],
  ['decide-revision.ts', /return refuse\(/g, REVISIONS.length],
  ['change-policy.ts', /\(list\) =>|reason: `/g, CHANGES.length - 2],
  ['decide-press.ts', /^ {4}return ['`].* does nothing any more/gm, 2],
])('every refusal of %s is on the page: a new one needs a row', (name, pattern, rows) => {
  const source = readFileSync(path.resolve(import.meta.dirname, '../../src/domain', name), 'utf8');

  expect(source.match(pattern)).toHaveLength(rows);
});
