import type { JobId } from '../contract/identifiers.ts';
import type { IssueReading } from './decide.ts';
import { mayWrite } from './permission.ts';
import { type AtWork, findFull, type Full } from './concurrency.ts';
import { chooseRunner, type NoRunnerCode, type PassedOver, type RunnerChoice } from './choose-runner.ts';
import { describeCut, type NoRest, toBudget } from './day-rest.ts';
import { estimateStartMs } from './estimate-start.ts';
import { formatCost, formatDuration } from './figures-text.ts';
import { toStateText } from './job-headline.ts';
import { isTerminal } from './job-lifecycle.ts';
import { type Attempt, type Job, PRIORITIES, PRIORITY_NAMES, type RunnerView } from './job.ts';
import { toLabelled } from './labels.ts';
import { toCode, toInline, toQuote } from './markdown-escape.ts';
import { findLabelPriority } from './priority-labels.ts';
import type { RepoSettings } from './repo-settings.ts';
import { routeIssue } from './route-issue.ts';
import { toRunningText } from './running-text.ts';
import { toRunnerState } from './runner-state-text.ts';
import type { ReportedJob } from './status-comment-text.ts';
import { describeStartRules, type Standing } from './who-may-start.ts';

/** Specialties that are told of where no work was asked for. */
const MAX_LIKELY = 3;
const MAX_REASON_CHARACTERS = 1000;

/** What is read for this question alone. */
export type WhyFacts = {
  asker: { login: string } & Standing;
  issue: IssueReading;
  settings: RepoSettings;
  /** Why no work can start by the repository's settings; plain text. */
  settingsProblem: string | null;
  /** What is wrong with them while the last good ones are in force; plain text. */
  settingsNotice: string | null;
  /** Specialty → how long its newest attempts took, in milliseconds. */
  durationsMs: ReadonlyMap<string, readonly number[]>;
  /** Job → runners that it does not go to at the moment. */
  passedOver: ReadonlyMap<JobId, PassedOver>;
  /** Jobs of the repository that are at work. */
  atWork: AtWork;
  /** What the limits of today would say to one more job of whoever asks; plain text. */
  limits: { refusal: string | null; used: readonly string[] };
  /** Waiting jobs for which today's limits leave nothing. */
  noRest: ReadonlyMap<JobId, NoRest>;
};

/** What other answers are made from, too. */
export type WhySituation = {
  /** Of the issue, the newest job of each specialty, the newest first. */
  current: readonly ReportedJob[];
  runners: readonly RunnerView[];
  nowMs: number;
};

/** Why the newest job of each specialty is not running, or why there is none: one line for each thing that it takes. */
export function toWhyAnswer(facts: WhySituation, why: WhyFacts): string {
  const { current } = facts;
  const live = current.filter(({ job }) => !isTerminal(job.state));
  const shown = live.length > 0 ? live : current.slice(0, 1);
  if (shown.length === 0) return toWhyNothing(facts, why);
  return shown.map((entry) => toWhyJob(entry, facts, why)).join('\n\n');
}

function toWhyNothing(facts: WhySituation, why: WhyFacts): string {
  const likely = findLikely(why).slice(0, MAX_LIKELY);
  return [
    '**No work was asked for on this issue yet.**',
    [
      toPermissionLine(why),
      toLabelLine(why, null),
      toSettingsLine(why),
      ...toLikelyPriorityLines(why),
      ...(likely.length === 0 ? [`- ${toDayText(why, false)}`] : []),
      ...likely.flatMap((specialty) => toLikelyLines(specialty, facts, why)),
    ].join('\n'),
    toStart(why, likely[0]),
  ].join('\n\n');
}

/** What has to be out of the way first, if anything has. Adding a label that is there does nothing. */
function toStart(why: WhyFacts, specialty: string | undefined): string {
  const { issue, settings, settingsProblem, limits, asker } = why;
  const command = toCode(`/agent run ${specialty ?? 'backend'}`, 100);
  if (asker.denial !== null || !mayWrite(asker.permission))
    return `To start, ask somebody who may start work here to write ${command}.`;
  if (settingsProblem !== null) return `First mend the settings, then write ${command}.`;
  if (limits.refusal !== null) return `Once the limit leaves room again, write ${command}.`;
  const present = issue.found
    ? issue.issue.labels.find((label) => settings.labels.has(label.toLowerCase()))
    : undefined;
  const byLabel =
    present === undefined
      ? 'add one of the labels'
      : `remove the label ${toCode(present, 100)} and add it again`;
  return `To start, ${byLabel}, or write ${command}.`;
}

/** Specialties that the work would be of, by the labels of the issue, else by its text. */
function findLikely({ issue, settings }: WhyFacts): string[] {
  if (!issue.found) return [];
  const labelled = toLabelled(issue.issue.labels, settings.labels);
  if (labelled.length > 0) return labelled;
  const routing = routeIssue(issue.issue, settings.routing, new Set(settings.specialties.keys()));
  return routing.kind === 'unknown' ? [] : [routing.specialty];
}

/** What work of the specialty would meet. */
function toLikelyLines(specialty: string, { runners, nowMs }: WhySituation, why: WhyFacts): string[] {
  const wanted = why.settings.specialties.get(specialty);
  if (wanted === undefined) return [];
  const { needs, settings } = wanted;
  const choice = chooseRunner({
    specialty,
    needs,
    agent: settings.agent,
    otherAgents: settings.otherAgents,
    runners,
    avoid: new Set(),
    nowMs,
  });
  const full = findFull({ specialty, settings }, why.atWork);
  return [
    toBudgetLine({ specialty, settings }, toDayText(why, false)),
    toExistLine(specialty, runners),
    toNeedsLine(choice),
    ...(full === null ? [] : [toFullLine(full)]),
  ];
}

function toWhyJob({ job, attempt, queuePosition }: ReportedJob, facts: WhySituation, why: WhyFacts): string {
  const headline = `**${toInline(job.specialty, 50)}: ${toStateText(job, attempt)}**`;
  const reason = job.stateReason === null ? null : toQuote(job.stateReason, MAX_REASON_CHARACTERS);
  const lines = [
    toPermissionLine(why),
    toLabelLine(why, job),
    toSettingsLine(why),
    toBudgetLine(job, toJobDayText(job, attempt, why), isTerminal(job.state) ? null : attempt),
    ...(isTerminal(job.state) ? [] : toRunnerLines(job, queuePosition, facts, why)),
  ];
  const next = isTerminal(job.state) ? toNext(job) : null;
  return [headline, reason, lines.join('\n'), next].filter((part) => part !== null).join('\n\n');
}

function toNext(job: Job): string {
  if (job.pullRequest !== null && job.pullRequest.ended === undefined) {
    return `To have [pull request #${job.pullRequest.number}](${job.pullRequest.url}) reworked, write \`/agent fix <instructions>\` on it.`;
  }
  return job.state === 'succeeded' || job.state === 'refused'
    ? `To start it, write \`/agent run ${job.specialty}\`.`
    : `To try again, write \`/agent retry ${job.specialty}\`.`;
}

function toPermissionLine({ asker: { login, permission, denial }, settings }: WhyFacts): string {
  if (denial !== null) return `- ❌ Permission: ${toInline(denial.reason, MAX_REASON_CHARACTERS)}`;
  const may = mayWrite(permission);
  return `- ${may ? '✅' : '❌'} Permission: ${toCode(login, 100)} has ${permission} access; starting work needs ${toInline(describeStartRules(settings.triggers), MAX_REASON_CHARACTERS)}.`;
}

function toLabelLine({ issue, settings }: WhyFacts, job: Job | null): string {
  if (!issue.found) return `- ❌ Label: the issue can’t be read: ${toInline(issue.reason, 300)}.`;
  const ours = issue.issue.labels.filter((label) => settings.labels.has(label.toLowerCase()));
  if (ours.length > 0) return `- ✅ Label: ${ours.map((label) => toCode(label, 100)).join(', ')}.`;
  if (job !== null) return '- ✅ Label: none, and none is needed; it was asked for by a command.';
  const known = [...settings.labels.keys()].slice(0, 8).map((label) => toCode(label, 100));
  return `- ❌ Label: none that stands for a specialty. Known here: ${known.join(', ')}.`;
}

function toSettingsLine({ settingsProblem, settingsNotice }: WhyFacts): string {
  const wrong = settingsProblem ?? settingsNotice;
  if (wrong === null) return '- ✅ Settings: without mistakes.';
  const sign = settingsProblem === null ? '⚠️' : '❌';
  return `- ${sign} Settings: ${toInline(toRunningText(wrong), MAX_REASON_CHARACTERS)}`;
}

function toBudgetLine(
  { specialty, settings }: Pick<Job, 'specialty' | 'settings'>,
  dayText: string,
  attempt: Attempt | null = null,
): string {
  const { maxMinutes, maxBudgetUsd } = toBudget({ settings }, attempt);
  const { maxTurns } = settings;
  const most = `at most ${maxMinutes} minutes, ${maxTurns} turns and ${formatCost(maxBudgetUsd)} for an attempt at ${toCode(specialty, 50)} work`;
  return `- ${dayText} ${most.replace(/^a/, 'A')}.`;
}

/** What the limits of the day mean for a job: one that waits may have to wait for them, one at work keeps what it was given. */
function toJobDayText(job: Job, attempt: Attempt | null, why: WhyFacts): string {
  const noRest = job.state === 'queued' ? why.noRest.get(job.id) : undefined;
  if (noRest !== undefined) return `⏳ Budget: ${toInline(noRest.reason, MAX_REASON_CHARACTERS)}`;
  const cut = isTerminal(job.state) ? null : describeCut(job, attempt);
  return `${toDayText(why, !isTerminal(job.state))}${cut === null ? '' : ` ${toInline(cut, 300)}`}`;
}

/** How far the limits of the day are used up, for whoever asks. */
function toDayText({ limits: { refusal, used } }: WhyFacts, isBegun: boolean): string {
  if (refusal !== null)
    return `${isBegun ? '⚠️' : '❌'} Budget: ${isBegun ? 'for further work: ' : ''}${toInline(refusal, MAX_REASON_CHARACTERS)}`;
  if (used.length === 0) return '✅ Budget: the settings limit no day.';
  return `✅ Budget: used up today (UTC): ${toInline(used.join('; '), MAX_REASON_CHARACTERS)}.`;
}

/** Reasons that pass by themselves. */
const COMES_FREE: ReadonlySet<NoRunnerCode> = new Set(['busy', 'avoided', 'failed_here']);

function toRunnerLines(
  job: Job,
  queuePosition: number | null,
  { runners, nowMs }: WhySituation,
  { durationsMs, passedOver, atWork, noRest }: WhyFacts,
): string[] {
  const exist = toExistLine(job.specialty, runners);
  const priority = toPriorityLines(job);
  if (job.state === 'held') {
    const unhold = toCode(`/agent unhold ${job.specialty}`, 100);
    return [exist, ...priority, `- ⏸️ Queue: on hold, for the reason above; ${unhold} lets it go on now.`];
  }
  if (job.state !== 'queued') return [exist];

  const choice = chooseRunner({
    specialty: job.specialty,
    kind: job.kind,
    needs: job.needs,
    agent: job.settings.agent,
    otherAgents: job.settings.otherAgents,
    runners,
    ...(passedOver.get(job.id) ?? { avoid: new Set() }),
    nowMs,
  });
  const online = toSpecialists(job.specialty, runners).filter(({ state }) => state === 'online');
  const slots = online.reduce((sum, runner) => sum + runner.capacity, 0);
  const taken = online.reduce((sum, runner) => sum + runner.active, 0);
  const canRun = choice.kind === 'chosen' || COMES_FREE.has(choice.code);
  const startMs = estimateStartMs({
    position: queuePosition ?? 1,
    slots: canRun ? slots : 0,
    freeSlots: Math.max(0, slots - taken),
    durationsMs: durationsMs.get(job.specialty) ?? [],
  });
  const full = findFull(job, atWork);
  return [
    exist,
    toNeedsLine(choice),
    ...(full === null ? [] : [toFullLine(full)]),
    ...priority,
    `- ⏳ Queue: place ${queuePosition ?? '?'}; ${noRest.has(job.id) ? 'it starts when the limits of the day let it' : `estimated start: ${toStartText(startMs)}`}.`,
  ];
}

function toSpecialists(specialty: string, runners: readonly RunnerView[]): RunnerView[] {
  return runners.filter(({ state, specialties }) => state !== 'revoked' && specialties.includes(specialty));
}

function toExistLine(specialty: string, runners: readonly RunnerView[]): string {
  const names = toSpecialists(specialty, runners)
    .slice(0, 8)
    .map(
      (runner) =>
        `${toCode(runner.name, 100)} (${toRunnerState(runner)}, ${runner.active} of ${runner.capacity} taken)`,
    );
  return `- ${names.length > 0 ? '✅' : '❌'} Runners for ${toCode(specialty, 50)}: ${names.length === 0 ? 'none' : names.join(', ')}.`;
}

function toNeedsLine(choice: RunnerChoice): string {
  if (choice.kind === 'chosen')
    return `- ✅ Needs: ${toCode(choice.runner.name, 100)} meets them all, and has room.`;
  return `- ${COMES_FREE.has(choice.code) ? '⏳' : '❌'} Needs: ${toQuote(choice.reason, MAX_REASON_CHARACTERS).replace(/^> /, '')}`;
}

function toFullLine({ reason }: Full): string {
  return `- ⏳ At once: ${toInline(reason, MAX_REASON_CHARACTERS)}`;
}

/** Why it stands before or behind others, where anything says so. */
function toPriorityLines({ priority, prioritySource: source }: Job): string[] {
  if (source === null && priority === PRIORITIES.normal) return [];
  const name = PRIORITY_NAMES.find((known) => PRIORITIES[known] === priority) ?? 'normal';
  if (source?.by === 'label') return [`- ✅ Priority: ${name}, by the label ${toCode(source.label, 100)}.`];
  return [`- ✅ Priority: ${name}, as somebody said; labels change nothing about it any more.`];
}

function toLikelyPriorityLines({ issue, settings }: WhyFacts): string[] {
  const found = issue.found ? findLabelPriority(issue.issue.labels, settings.priorityLabels) : null;
  return found === null
    ? []
    : [`- ✅ Priority: ${found.priority}, by the label ${toCode(found.label, 100)}.`];
}

function toStartText(startMs: number | null): string {
  if (startMs === null) return 'unknown';
  if (startMs === 0) return 'any moment';
  // To the minute: it is an estimate.
  return `in about ${formatDuration(Math.ceil(startMs / 60_000) * 60_000).replace(/ 0 s$/, '')}`;
}
