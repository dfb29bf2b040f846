import { z } from 'zod';
import { explainBlockers } from './blockers.ts';
import { chooseRunner, type RunnerChoice } from './choose-runner.ts';
import { type AtWork, findFull } from './concurrency.ts';
import type { NoRest } from './day-rest.ts';
import type { Decision, IssueReading } from './decide.ts';
import { mayWrite } from './permission.ts';
import { formatCost } from './figures-text.ts';
import type { AllJobSettings, Job, RunnerView } from './job.ts';
import { explainLabelPriority, findLabelPriority } from './priority-labels.ts';
import type { RepoSettings } from './repo-settings.ts';
import { routeIssue } from './route-issue.ts';
import { toRunningText } from './running-text.ts';
import { describePlace, type SettingsPlace } from './settings-layers.ts';
import { PAUSED_REASON } from './paused.ts';
import { explainPredecessors, type Predecessor } from './specialty-order.ts';
import { describeStartRules, type Standing } from './who-may-start.ts';

/** `stops`: no work would start; `waits`: it would, and then wait; `unknown`: it was not looked at. */
const Sign = z.enum(['ok', 'warning', 'waits', 'stops', 'unknown']);
export type Sign = z.infer<typeof Sign>;

/** One thing that was looked at. Texts are plain, and hold others' words. */
const Finding = z.object({ about: z.string(), sign: Sign, text: z.string() });
export type Finding = z.infer<typeof Finding>;

/** What would happen to an issue and why, for the operator's terminal or a machine. */
export const Explanation = z.object({
  /** `owner/name#12`. */
  issue: z.string(),
  title: z.string().nullable(),
  /** What holds whatever the label. */
  findings: z.array(Finding),
  /** For each label that was asked about. */
  labels: z.array(
    z.object({
      label: z.string(),
      findings: z.array(Finding),
      /** `nothing`: the label would be left without an answer. */
      verdict: z.object({ kind: z.enum(['starts', 'waits', 'refused', 'nothing']), text: z.string() }),
    }),
  ),
});
export type Explanation = z.infer<typeof Explanation>;
type LabelExplanation = Explanation['labels'][number];

/** What holds for the issue, whatever its labels. */
export type IssueFacts = {
  /** `owner/name`. */
  repository: string;
  number: number;
  issue: IssueReading;
  /** Who would add the label; `null`: nobody was named. */
  asker: ({ login: string } & Standing) | null;
  settings: RepoSettings;
  /** Files in force, the nearest first; none: the built-in settings. */
  places: readonly SettingsPlace[];
  settingsProblem: string | null;
  settingsNotice: string | null;
};

/** What one label would meet. */
export type LabelFacts = {
  label: string;
  /** On an issue that has the label, asked for by somebody who may, if nobody was named. */
  decision: Decision;
  limits: { refusal: string | null; warnings: readonly string[]; used: readonly string[] };
  /** Why a job that the limits let be taken on would not begin at once. */
  noRest: NoRest | null;
  /** Of the label's specialty. */
  liveJob: Pick<Job, 'id' | 'state'> | null;
  openPullRequest: { url: string } | null;
  /** Pull requests of others that keep no work from starting; plain text. */
  beside: string | null;
  /** Work on the issue that comes first by the settings. */
  predecessors: readonly Predecessor[];
  runners: readonly RunnerView[];
  /** Jobs of the repository that are at work. */
  atWork: AtWork;
  nowMs: number;
};

/** Everything that was looked at, with what comes of it. */
export function explainIssue(facts: IssueFacts, labels: readonly LabelFacts[]): Explanation {
  const { repository, number, issue } = facts;
  return {
    issue: `${repository}#${number}`,
    title: issue.found ? issue.issue.title : null,
    findings: [
      { about: 'repository', sign: 'ok', text: `${repository} is in the App’s installation` },
      explainSettings(facts),
      explainIssueState(facts),
      explainPermission(facts),
      ...explainPriority(facts),
      ...(labels.length === 0 ? [explainNoLabel(facts), ...explainRouting(facts)] : []),
    ],
    labels: labels.map((label) => explainLabel(facts, label)),
  };
}

/** A repository that no work can come from. `known`: those that it could be mistaken for. */
export function explainUnknownRepository(
  repository: string,
  number: number,
  known: readonly string[],
): Explanation {
  const others = known.length === 0 ? 'none so far' : known.slice(0, 8).join(', ');
  const text = `${repository} is not known: install the App on it, or mend the name. Known: ${others}`;
  return {
    issue: `${repository}#${number}`,
    title: null,
    findings: [{ about: 'repository', sign: 'stops', text }],
    labels: [],
  };
}

function explainSettings({ places, settingsProblem, settingsNotice }: IssueFacts): Finding {
  const about = 'settings';
  if (settingsProblem !== null) return { about, sign: 'stops', text: toRunningText(settingsProblem) };
  if (settingsNotice !== null) return { about, sign: 'warning', text: toRunningText(settingsNotice) };
  if (places.length === 0) return { about, sign: 'ok', text: 'the built-in ones; there is no settings file' };
  return { about, sign: 'ok', text: `${places.map(describePlace).join(', which extends ')}; no mistakes` };
}

function explainIssueState({ issue }: IssueFacts): Finding {
  const about = 'issue';
  if (!issue.found) return { about, sign: 'stops', text: `can’t be read: ${issue.reason}` };
  if (issue.isPullRequest)
    return { about, sign: 'stops', text: 'is a pull request; labels start work on issues only' };
  if (issue.state === 'closed') return { about, sign: 'stops', text: 'is closed' };
  if (issue.locked) return { about, sign: 'stops', text: 'is open, but locked' };
  return { about, sign: 'ok', text: 'is open' };
}

function explainPermission({ asker, settings: { triggers } }: IssueFacts): Finding {
  const about = 'permission';
  const wanted = describeStartRules(triggers);
  if (asker === null) {
    const text = `whoever adds the label needs ${wanted}; name somebody with --as, and it is looked at as well`;
    return { about, sign: 'unknown', text };
  }
  if (asker.denial !== null) return { about, sign: 'stops', text: asker.denial.reason };
  const may = mayWrite(asker.permission);
  const has = asker.permission === 'none' ? 'no' : asker.permission;
  const text = `${asker.login} has ${has} access; starting work needs ${wanted}`;
  return { about, sign: may ? 'ok' : 'stops', text };
}

/** Nothing where no label says anything of it. */
function explainPriority({ issue, settings: { priorityLabels } }: IssueFacts): Finding[] {
  if (!issue.found || priorityLabels.size === 0) return [];
  const about = 'priority';
  const found = findLabelPriority(issue.issue.labels, priorityLabels);
  if (found !== null) return [{ about, sign: 'ok', text: explainLabelPriority(found) }];
  const known = [...priorityLabels].map(([label, priority]) => `${label} (${priority})`).join(', ');
  return [{ about, sign: 'ok', text: `normal: the issue has none of the labels ${known}` }];
}

function explainNoLabel({ issue, settings }: IssueFacts): Finding {
  const has = issue.found && issue.issue.labels.length > 0 ? issue.issue.labels.join(', ') : 'none';
  const known = [...settings.labels.keys()].join(', ');
  const text = `none of the issue’s labels (${has}) stands for a specialty. Known: ${known}. --label looks at one as if it were there`;
  return { about: 'label', sign: 'stops', text };
}

/** What `/agent run` would make of it. */
function explainRouting({ issue, settings }: IssueFacts): Finding[] {
  if (!issue.found) return [];
  const routing = routeIssue(issue.issue, settings.routing, new Set(settings.specialties.keys()));
  const about = 'routing';
  if (routing.kind === 'unknown') return [];
  const why = `${routing.specialty}, since ${routing.reasons.join(' and ')}`;
  return routing.kind === 'sure'
    ? [{ about, sign: 'ok', text: `/agent run would pick ${why}` }]
    : [{ about, sign: 'stops', text: `/agent run would ask; it looks like ${why}` }];
}

function explainLabel(facts: IssueFacts, label: LabelFacts): LabelExplanation {
  const { settings } = facts;
  const specialty = settings.labels.get(label.label.toLowerCase()) ?? null;
  const wanted = specialty === null ? undefined : settings.specialties.get(specialty);
  if (specialty === null || wanted === undefined) {
    const known = [...settings.labels.keys()].join(', ');
    const finding: Finding = {
      about: 'specialty',
      sign: 'stops',
      text: `the label stands for none. Known: ${known}`,
    };
    return { label: label.label, findings: [finding], verdict: toVerdict(label, null, facts) };
  }
  const choice = chooseRunner({
    specialty,
    needs: wanted.needs,
    agent: wanted.settings.agent,
    otherAgents: wanted.settings.otherAgents,
    runners: label.runners,
    avoid: new Set(),
    nowMs: label.nowMs,
  });
  const { maxMinutes, maxTurns, maxBudgetUsd } = wanted.settings;
  const budget = `an attempt has ${maxMinutes} minutes, ${maxTurns} turns and ${formatCost(maxBudgetUsd)}`;
  return {
    label: label.label,
    findings: [
      { about: 'specialty', sign: 'ok', text: specialty },
      explainLiveJob(label),
      explainPullRequest(label),
      ...explainBlocked(facts),
      ...explainOrder(specialty, label),
      ...explainFull(specialty, wanted.settings, label),
      explainLimits(label),
      { about: 'budget', sign: 'ok', text: budget },
      ...explainHosts(wanted.settings.hosts ?? []),
      explainRunners(specialty, label),
      explainNeeds([specialty, ...wanted.needs], choice),
    ],
    verdict: toVerdict(label, choice, facts),
  };
}

/** Coordinators don't know what the owners of machines allow. */
function explainHosts(hosts: readonly string[]): Finding[] {
  if (hosts.length === 0) return [];
  const text = `agent, set-up and tests may reach ${hosts.join(', ')}, as far as sandbox.repository_hosts of the machine allows it`;
  return [{ about: 'hosts', sign: 'ok', text }];
}

function explainLiveJob({ liveJob }: LabelFacts): Finding {
  const about = 'live job';
  if (liveJob === null) return { about, sign: 'ok', text: 'none of this specialty on the issue' };
  return {
    about,
    sign: 'stops',
    text: `${liveJob.id} is ${liveJob.state}; “yardmaster jobs ${liveJob.id.slice(-8)}” tells of it`,
  };
}

function explainPullRequest({ openPullRequest, beside }: LabelFacts): Finding {
  const about = 'pull request';
  if (openPullRequest === null && beside !== null) return { about, sign: 'warning', text: beside };
  if (openPullRequest === null)
    return { about, sign: 'ok', text: 'none of this specialty, or that would close the issue, is open' };
  return { about, sign: 'stops', text: `${openPullRequest.url} is open` };
}

function explainBlocked({ issue, repository }: IssueFacts): Finding[] {
  if (!issue.found || issue.openBlockers.length === 0) return [];
  return [{ about: 'blocked', sign: 'waits', text: explainBlockers(issue.openBlockers, repository) }];
}

function explainOrder(specialty: string, { predecessors }: LabelFacts): Finding[] {
  if (predecessors.length === 0) return [];
  return [{ about: 'order', sign: 'waits', text: explainPredecessors(specialty, predecessors) }];
}

function explainFull(specialty: string, settings: AllJobSettings, { atWork }: LabelFacts): Finding[] {
  if (settings.concurrency === undefined) return [];
  const about = 'at once';
  const full = findFull({ specialty, settings }, atWork);
  if (full !== null) return [{ about, sign: 'waits', text: full.reason }];
  return [{ about, sign: 'ok', text: 'one more may be at work' }];
}

function explainLimits({ limits, noRest }: LabelFacts): Finding {
  const about = 'limits';
  if (limits.refusal !== null) return { about, sign: 'stops', text: limits.refusal };
  if (noRest !== null) return { about, sign: 'waits', text: noRest.reason };
  if (limits.warnings.length > 0) return { about, sign: 'warning', text: limits.warnings.join(' ') };
  if (limits.used.length === 0) return { about, sign: 'ok', text: 'none are set for a day' };
  return { about, sign: 'ok', text: `used up today: ${limits.used.join('; ')}` };
}

function explainRunners(specialty: string, { runners }: LabelFacts): Finding {
  const about = 'runners';
  const specialists = runners.filter(
    (runner) => runner.state !== 'revoked' && runner.specialties.includes(specialty),
  );
  if (specialists.length === 0) return { about, sign: 'waits', text: `none has the specialty ${specialty}` };
  const names = specialists.map(
    ({ name, state, active, capacity }) => `${name} (${state}, ${active} of ${capacity} taken)`,
  );
  const isOnline = specialists.some(({ state }) => state === 'online');
  return { about, sign: isOnline ? 'ok' : 'waits', text: names.join(', ') };
}

function explainNeeds(needs: readonly string[], choice: RunnerChoice): Finding {
  const about = 'needs';
  if (choice.kind === 'none') return { about, sign: 'waits', text: choice.reason };
  return { about, sign: 'ok', text: `${needs.join(', ')}: ${choice.runner.name} has all, and room` };
}

function toVerdict(
  { decision, limits, noRest, predecessors, atWork }: LabelFacts,
  choice: RunnerChoice | null,
  facts: IssueFacts,
): LabelExplanation['verdict'] {
  const full = decision.kind === 'start' ? findFull(decision, atWork) : null;
  switch (decision.kind) {
    case 'start':
      if (limits.refusal !== null) return { kind: 'refused', text: limits.refusal };
      if (decision.settings.paused === true)
        return { kind: 'waits', text: `a job would wait. ${PAUSED_REASON}` };
      if (decision.blockers.length > 0)
        return {
          kind: 'waits',
          text: `a job would wait. ${explainBlockers(decision.blockers, facts.repository)}`,
        };
      if (predecessors.length > 0)
        return {
          kind: 'waits',
          text: `a job would wait. ${explainPredecessors(decision.specialty, predecessors)}`,
        };
      if (full !== null) return { kind: 'waits', text: `a job would wait in the queue. ${full.reason}` };
      if (noRest !== null) return { kind: 'waits', text: `a job would wait in the queue. ${noRest.reason}` };
      if (choice?.kind === 'chosen')
        return { kind: 'starts', text: `work would start at once. ${choice.reason}` };
      return { kind: 'waits', text: `a job would wait in the queue. ${choice?.reason ?? ''}`.trimEnd() };
    case 'refuse':
      return { kind: 'refused', text: decision.reason };
    case 'point_to':
      return { kind: 'refused', text: `the status comment would answer: ${decision.reason}` };
    case 'hint':
    case 'ignore':
    case 'cancel':
      return { kind: 'nothing', text: `nothing would happen: ${decision.reason}` };
    default:
      return decision satisfies never;
  }
}
