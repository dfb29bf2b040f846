import { describe, expect, test } from 'vitest';
import type { JobId } from '../../src/contract/identifiers.ts';
import { type Decision, type IssueReading, type Situation, decide } from '../../src/domain/decide.ts';
import type { Job } from '../../src/domain/job.ts';
import { parseRepoSettings } from '../../src/domain/repo-settings.ts';
import type { Trigger } from '../../src/domain/trigger.ts';
import { aJob, aRepository } from '../support/job-builders.ts';

const SETTINGS_FILE = `
labels:
  api: backend
specialties:
  backend:
    needs: [python]
    max_turns: 7
`;

type Case = {
  name: string;
  trigger: Situation['trigger'];
  issue?: IssueReading;
  permission?: Situation['permission'];
  denial?: Situation['denial'];
  liveJobs?: Situation['liveJobs'];
  openPullRequests?: Situation['openPullRequests'];
  settingsProblem?: string;
  kind: string;
  reason: RegExp;
};

const running = aJob({ state: 'running' });
const succeeded = aJob({ state: 'succeeded' });
const frontendJob = aJob({
  id: 'f'.repeat(36) as JobId,
  specialty: 'frontend',
  label: 'agent:frontend',
  state: 'queued',
});

describe('a label was added', () => {
  test.each<Case>([
    { name: 'by a writer', trigger: added('agent:backend'), kind: 'start', reason: /alice added/ },
    {
      name: 'by an admin',
      trigger: added('agent:backend'),
      permission: 'admin',
      kind: 'start',
      reason: /alice/,
    },
    { name: 'in other letters', trigger: added('Agent:Backend'), kind: 'start', reason: /Agent:Backend/ },
    { name: 'that the settings map', trigger: added('api'), kind: 'start', reason: /api/ },
    {
      name: 'that is misspelt',
      trigger: added('agent:Fronted'),
      issue: anIssue({ labels: ['agent:Fronted'] }),
      kind: 'hint',
      reason: /"agent:Fronted" stands for no specialty; "agent:frontend" may be meant/,
    },
    {
      name: 'that is misspelt, by somebody who may not start work',
      trigger: added('agent:fronted'),
      issue: anIssue({ labels: ['agent:fronted'] }),
      permission: 'read',
      kind: 'ignore',
      reason: /no specialty/,
    },
    {
      name: 'that is misspelt, and taken off again',
      trigger: added('agent:fronted'),
      kind: 'ignore',
      reason: /no specialty/,
    },
    { name: 'that is no concern of ours', trigger: added('bug'), kind: 'ignore', reason: /no specialty/ },
    {
      name: 'by our own bot',
      trigger: added('agent:backend', 'Yardmaster[bot]'),
      kind: 'ignore',
      reason: /by Yardmaster itself/,
    },
    {
      name: 'by a bot that the settings name',
      trigger: added('agent:backend', 'triage[bot]'),
      kind: 'start',
      reason: /triage\[bot\]/,
    },
    {
      name: 'by a bot that nobody has allowed, which is not worth a word',
      trigger: added('agent:backend', 'triage[bot]'),
      permission: 'none',
      denial: { reason: 'it is a bot', isSilent: true },
      kind: 'ignore',
      reason: /^it is a bot$/,
    },
    {
      name: 'by a writer whom the settings leave out',
      trigger: added('agent:backend'),
      denial: { reason: 'alice may not.', isSilent: false },
      settingsProblem: 'line 3 is wrong',
      kind: 'refuse',
      reason: /^alice may not\. Somebody who may start work can remove the label "agent:backend" and add/,
    },
    {
      name: 'by somebody without access, who hears nothing of the settings',
      trigger: added('agent:backend', 'mallory'),
      permission: 'none',
      kind: 'refuse',
      reason: /^mallory has no access to acme\/widgets; starting work needs write access\. .*"agent:backend"/,
    },
    {
      name: 'by someone with triage rights, which GitHub reports as read',
      trigger: added('agent:backend', 'mallory'),
      permission: 'read',
      kind: 'refuse',
      reason: /^mallory may only read acme\/widgets; starting work needs write access\. .*"agent:backend"/,
    },
    {
      name: 'and is gone again, whoever added it',
      trigger: added('agent:devops'),
      permission: 'none',
      kind: 'ignore',
      reason: /"agent:devops" is no longer on the issue/,
    },
    {
      name: 'while such a job is under way, whoever added it',
      trigger: added('agent:backend'),
      permission: 'none',
      liveJobs: [running],
      kind: 'ignore',
      reason: /under way already/,
    },
    {
      name: 'while a command’s work is under way, by somebody who may start work',
      trigger: added('agent:backend'),
      liveJobs: [aJob({ state: 'running', label: null })],
      kind: 'point_to',
      reason: /alice added the label "agent:backend" while this work was under way/,
    },
    {
      name: 'while a command’s work is under way, by somebody who may not',
      trigger: added('agent:backend'),
      permission: 'read',
      liveJobs: [aJob({ state: 'running', label: null })],
      kind: 'ignore',
      reason: /under way already/,
    },
    {
      name: 'beside another one that began the same work',
      trigger: added('agent:backend'),
      liveJobs: [aJob({ state: 'running', label: 'bug' })],
      kind: 'ignore',
      reason: /under way already/,
    },
    {
      name: 'while another specialty is at work',
      trigger: added('agent:backend'),
      liveJobs: [frontendJob],
      kind: 'start',
      reason: /alice/,
    },
    {
      name: 'while the settings can’t be used, by somebody who may write',
      trigger: added('agent:backend'),
      settingsProblem: 'line 3 is wrong',
      kind: 'refuse',
      reason: /^line 3 is wrong$/,
    },
    {
      name: 'while the settings can’t be used, by somebody who may not write',
      trigger: added('agent:unknown'),
      issue: anIssue({ labels: ['agent:unknown'] }),
      permission: 'read',
      settingsProblem: 'line 3 is wrong',
      kind: 'refuse',
      reason: /needs write access/,
    },
    {
      name: 'to a closed issue',
      trigger: added('agent:backend'),
      issue: anIssue({ state: 'closed' }),
      kind: 'refuse',
      reason: /closed\. Reopen it/,
    },
    {
      name: 'to a pull request',
      trigger: added('agent:backend'),
      issue: anIssue({ isPullRequest: true }),
      kind: 'refuse',
      reason: /this is a pull request/,
    },
    {
      name: 'to a locked issue',
      trigger: added('agent:backend'),
      issue: anIssue({ locked: true }),
      kind: 'refuse',
      reason: /locked.*Unlock it/,
    },
    {
      name: 'while the pull request of an earlier job is open',
      trigger: added('agent:backend'),
      openPullRequests: [{ job: succeeded, number: 7, url: 'https://github.com/acme/widgets/pull/7' }],
      kind: 'point_to',
      reason: /alice asked for it again, and pull request #7 is open\. Merge or close it first/,
    },
    {
      name: 'while only another specialty’s pull request is open',
      trigger: added('agent:frontend'),
      issue: anIssue({ labels: ['agent:frontend'] }),
      openPullRequests: [{ job: succeeded, number: 7, url: 'https://github.com/acme/widgets/pull/7' }],
      kind: 'start',
      reason: /alice added/,
    },
    {
      name: 'to an issue that is gone',
      trigger: added('agent:backend'),
      issue: { found: false, reason: 'it was deleted' },
      kind: 'ignore',
      reason: /it was deleted/,
    },
  ])('$name: $kind', (given) => {
    const decision = decide(toSituation(given));

    expect(decision).toMatchObject({ kind: given.kind, reason: expect.stringMatching(given.reason) });
  });

  test('the job gets the issue as it is now and the settings of its specialty', () => {
    const decision = decide(toSituation({ trigger: added('api') }));

    expect(decision).toMatchObject({
      kind: 'start',
      specialty: 'backend',
      needs: ['python'],
      settings: { maxTurns: 7, maxMinutes: 120 },
      issue: { number: 42, title: 'Totals are wrong' },
      instructions: null,
    });
  });
});

describe('a label was removed', () => {
  test.each<Case>([
    {
      name: 'whose job is under way',
      trigger: removed('agent:backend'),
      issue: anIssue({ labels: ['bug'] }),
      liveJobs: [running, frontendJob],
      kind: 'cancel',
      reason: /alice removed the label "agent:backend"/,
    },
    {
      name: 'by someone who may not start work',
      trigger: removed('agent:backend', 'tina'),
      issue: anIssue({ labels: [] }),
      permission: 'read',
      liveJobs: [running],
      kind: 'cancel',
      reason: /tina/,
    },
    {
      name: 'from an issue that is gone by now',
      trigger: removed('agent:backend'),
      issue: { found: false, reason: 'it was deleted' },
      liveJobs: [running],
      kind: 'cancel',
      reason: /alice/,
    },
    {
      name: 'and nothing is under way',
      trigger: removed('agent:backend'),
      issue: anIssue({ labels: [] }),
      liveJobs: [frontendJob],
      kind: 'ignore',
      reason: /nothing was under way/,
    },
    {
      name: 'and is back already',
      trigger: removed('agent:backend'),
      liveJobs: [running],
      kind: 'ignore',
      reason: /"agent:backend" is on the issue again/,
    },
    {
      name: 'in other letters',
      trigger: removed('Agent:Backend'),
      issue: anIssue({ labels: [] }),
      liveJobs: [running, frontendJob],
      kind: 'cancel',
      reason: /Agent:Backend/,
    },
    {
      name: 'that did not start the job, though it stands for the same specialty',
      trigger: removed('api'),
      issue: anIssue({ labels: ['agent:backend'] }),
      liveJobs: [running],
      kind: 'ignore',
      reason: /nothing was under way/,
    },
    {
      name: 'by our own bot',
      trigger: removed('agent:backend', 'yardmaster[bot]'),
      issue: anIssue({ labels: [] }),
      liveJobs: [running],
      kind: 'ignore',
      reason: /by Yardmaster itself/,
    },
  ])('$name: $kind', (given) => {
    const decision = decide(toSituation(given));

    expect(decision).toMatchObject({ kind: given.kind, reason: expect.stringMatching(given.reason) });
    expect(cancelledBy(decision)).toEqual(given.kind === 'cancel' ? [running] : []);
  });
});

describe('the issue ended', () => {
  test.each<Case>([
    {
      name: 'closed',
      trigger: ended('closed'),
      issue: anIssue({ state: 'closed' }),
      liveJobs: [running, frontendJob],
      kind: 'cancel',
      reason: /closed by alice/,
    },
    {
      name: 'closed, but open again',
      trigger: ended('closed'),
      liveJobs: [running],
      kind: 'ignore',
      reason: /open again/,
    },
    {
      name: 'deleted',
      trigger: ended('deleted'),
      issue: { found: false, reason: 'it was deleted' },
      liveJobs: [running],
      kind: 'cancel',
      reason: /deleted by alice/,
    },
    {
      name: 'transferred',
      trigger: ended('transferred'),
      issue: { found: false, reason: 'it was moved' },
      liveJobs: [running],
      kind: 'cancel',
      reason: /moved to another repository by alice/,
    },
    {
      name: 'with nothing under way',
      trigger: ended('closed'),
      issue: anIssue({ state: 'closed' }),
      kind: 'ignore',
      reason: /nothing was under way/,
    },
  ])('$name: $kind', (given) => {
    const decision = decide(toSituation(given));

    expect(decision).toMatchObject({ kind: given.kind, reason: expect.stringMatching(given.reason) });
    expect(cancelledBy(decision)).toEqual(given.kind === 'cancel' ? given.liveJobs : []);
  });
});

function cancelledBy(decision: Decision): readonly Job[] {
  return decision.kind === 'cancel' ? decision.jobs : [];
}

function toSituation(
  given: Pick<
    Case,
    'trigger' | 'issue' | 'permission' | 'denial' | 'liveJobs' | 'openPullRequests' | 'settingsProblem'
  >,
): Situation {
  const reading = parseRepoSettings(SETTINGS_FILE);
  if (!reading.ok) throw new Error(reading.message);
  return {
    trigger: given.trigger,
    issue: given.issue ?? anIssue(),
    permission: given.permission ?? 'write',
    denial: given.denial ?? null,
    botLogin: 'yardmaster[bot]',
    settings: reading.settings,
    settingsProblem: given.settingsProblem ?? null,
    settingsNotice: null,
    liveJobs: given.liveJobs ?? [],
    openPullRequests: given.openPullRequests ?? [],
  };
}

function anIssue(
  overrides: Partial<Extract<IssueReading, { found: true }>> & { labels?: string[] } = {},
): IssueReading {
  const { labels = ['agent:backend', 'api'], ...rest } = overrides;
  return {
    found: true,
    issue: { ...aJob().issue, title: 'Totals are wrong', labels },
    state: 'open',
    locked: false,
    isPullRequest: false,
    openBlockers: [],
    ...rest,
  };
}

function added(label: string, login = 'alice') {
  const { title, body } = aJob().issue;
  const issue = { title, body };
  return {
    kind: 'label_added',
    at: '2026-05-04T12:00:00Z',
    label,
    key: 'k',
    issueNumber: 42,
    issue,
    ...whereAndWho(login),
  } satisfies Trigger;
}

function removed(label: string, login = 'alice') {
  return { kind: 'label_removed', label, key: 'k', issueNumber: 42, ...whereAndWho(login) } satisfies Trigger;
}

function ended(how: 'closed' | 'deleted' | 'transferred') {
  return { kind: 'issue_ended', how, key: 'k', issueNumber: 42, ...whereAndWho('alice') } satisfies Trigger;
}

function whereAndWho(login: string) {
  return {
    target: { installationId: 5, repository: aRepository() },
    sender: { login, id: 1, isBot: login.endsWith('[bot]') },
  };
}
