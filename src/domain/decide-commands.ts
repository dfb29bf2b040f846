import type { IssueSnapshot } from '../contract/issue-snapshot.ts';
import type { Blocker } from './blockers.ts';
import { COMMANDS, type Command, type CommandLine, STARTING_COMMANDS } from './command-grammar.ts';
import {
  askForSpecialty,
  explainNotHeld,
  explainNothing,
  explainOpen,
  explainSettingsProblem,
  explainSucceeded,
  explainUnderWay,
  explainUnknownSpecialty,
} from './command-refusal-text.ts';
import type { IssueReading } from './decide.ts';
import {
  explainStrangers,
  findLinked,
  findOwn,
  type OpenPullRequest,
  toLinkedText,
} from './open-pull-requests.ts';
import { mayWrite, type Permission } from './permission.ts';
import {
  decideRevision,
  type RevisionDecision,
  type RevisionReading,
  type RevisionWish,
} from './decide-revision.ts';
import { isTerminal } from './job-lifecycle.ts';
import { type AllJobSettings, type Job, PRIORITIES } from './job.ts';
import { toLabelled } from './labels.ts';
import { toCode, toInline } from './markdown-escape.ts';
import { findLabelPriority, type LabelPriority } from './priority-labels.ts';
import type { RepoSettings } from './repo-settings.ts';
import { routeIssue } from './route-issue.ts';
import { type Denial, isBot } from './who-may-start.ts';

/** What can be asked about, and is answered in a comment. */
export const TOPICS = ['status', 'why', 'runners', 'help'] as const;
export type Topic = (typeof TOPICS)[number];

/** Everything that is looked at for the commands of one comment. */
export type CommandSituation = {
  lines: readonly CommandLine[];
  sender: { login: string };
  permission: Permission;
  /** Why the sender may not start work although they may write. */
  denial: Denial | null;
  /** `owner/name`. */
  repository: string;
  /** The comment is on a pull request; `jobs` and `issue` are then of the issue behind it, if it is one of ours. */
  isPullRequest: boolean;
  issue: IssueReading;
  settings: RepoSettings;
  /** Why the repository's own settings can't be used, for people; `settings` are then the built-in ones. */
  settingsProblem: string | null;
  /** Jobs of the issue, the newest first, refused ones included. */
  jobs: readonly Job[];
  /** Of the issue; looked for only when work is to start. */
  openPullRequests: readonly OpenPullRequest[];
  /** The pull request that is to be reworked; looked for only when one is. `null`: it is none of ours. */
  revision: RevisionReading | null;
  /** Address of the issue's status comment, if there is one. */
  statusUrl: string | null;
  /** How it was asked for, for people: `by a command`. */
  by: string;
};

export type CommandAction =
  | {
      kind: 'start';
      reason: string;
      issue: IssueSnapshot;
      specialty: string;
      needs: string[];
      settings: AllJobSettings;
      instructions: string | null;
      /** The label of the issue that stands for the specialty; taking it off cancels the job. */
      label: string | null;
      /** The label of the issue that says how urgent it is. */
      labelPriority: LabelPriority | null;
      /** Why this specialty, when nobody named it; plain text. */
      picked?: string;
      /** While there are any, the job waits. */
      blockers: readonly Blocker[];
      /** Specialties that the labels of the issue stand for. */
      labelled: readonly string[];
      /** What others have open for the issue, and was passed over; plain text. */
      beside: string | null;
    }
  | RevisionAction
  | { kind: 'cancel'; reason: string; jobs: readonly Job[] }
  | { kind: 'hold'; reason: string; jobs: readonly Job[] }
  | { kind: 'unhold'; reason: string; jobs: readonly Job[] }
  | { kind: 'priority'; reason: string; jobs: readonly Job[]; priority: number }
  | { kind: 'tell'; topic: Topic };

/** `job`: whose work is in the pull request. */
export type RevisionAction = Extract<RevisionDecision, { kind: 'revise' }> & { reason: string };

export type CommandDecision =
  | { kind: 'accept'; actions: CommandAction[] }
  /** `reason` is Markdown that is safe to show, and says how to mend it. Nothing of the comment is done. */
  | { kind: 'refuse'; code: 'permission' | 'not_now'; reason: string };

type Verdict = CommandAction | { kind: 'refused'; reason: string };
type AboutSpecialty = { specialty: string | null };

/** All of a comment's commands, or the first reason why one of them can't be carried out. Reasons of actions are plain text. */
export function decideCommands(situation: CommandSituation): CommandDecision {
  const denied = findDenied(situation);
  if (denied !== null) return { kind: 'refuse', code: 'permission', reason: denied };

  const actions: CommandAction[] = [];
  for (const { command } of situation.lines) {
    const verdict = decideCommand(situation, command);
    if (verdict.kind === 'refused') return { kind: 'refuse', code: 'not_now', reason: verdict.reason };
    const twice = actions.some((action) => isSameStart(action, verdict));
    if (twice)
      return { kind: 'refuse', code: 'not_now', reason: 'The comment asks for the same work twice.' };
    actions.push(verdict);
  }
  return { kind: 'accept', actions };
}

function findDenied(situation: CommandSituation): string | null {
  const { lines, permission, denial, sender, repository } = situation;
  if (mayWrite(permission)) {
    const starts = lines.some(({ command }) => STARTING_COMMANDS.has(command.name));
    return denial !== null && starts
      ? `${toInline(denial.reason, 2000)} Ask somebody who may start work.`
      : null;
  }
  const denied = lines.find(
    ({ command }) => permission === 'none' || COMMANDS[command.name].needs === 'write',
  );
  if (denied === undefined) return null;
  const { needs } = COMMANDS[denied.command.name];
  const has = permission === 'read' ? 'may only read' : 'has no access to';
  return `${toCode(sender.login, 100)} ${has} ${toCode(repository, 200)}, and \`/agent ${denied.command.name}\` needs ${needs} access. Ask somebody who has it.`;
}

function decideCommand(situation: CommandSituation, command: Command): Verdict {
  switch (command.name) {
    case 'run':
      return decideRun(situation, command);
    case 'retry':
      return decideRetry(situation, command);
    case 'cancel':
      return decideCancel(situation, command);
    case 'hold':
      return decideHold(situation, command);
    case 'unhold':
      return decideUnhold(situation, command);
    case 'priority':
      return decidePriority(situation, command);
    case 'fix':
      if (!situation.isPullRequest) {
        return refused(
          '`/agent fix` is for pull requests of Yardmaster. On an issue, use `/agent run -- instructions`.',
        );
      }
      return revise(situation, { cause: 'asked', instructions: command.instructions, checks: [] });
    case 'status':
    case 'why':
    case 'runners':
    case 'help':
      return { kind: 'tell', topic: command.name };
    default:
      return command satisfies never;
  }
}

function decideRun(situation: CommandSituation, command: Extract<Command, { name: 'run' }>): Verdict {
  const { settings, issue } = situation;
  const blocked = findBlocked(situation, 'run');
  if (blocked !== null) return refused(blocked);
  const known = command.specialty ?? guessSpecialty(situation);
  const routing =
    known === null && issue.found ? routeIssue(issue.issue, settings.routing, specialtySet(settings)) : null;
  if (known === null && routing?.kind !== 'sure') return refused(askForSpecialty(routing, settings));
  const specialty = known ?? (routing?.kind === 'sure' ? routing.specialty : '');
  if (!settings.specialties.has(specialty)) return refused(explainUnknownSpecialty(specialty, settings));
  const { agent, model, anyway, instructions } = command;
  const options = { agent, model, isAnyway: anyway === true, name: command.name };
  const started = start(situation, specialty, instructions, options, issue);
  if (routing?.kind !== 'sure' || started.kind !== 'start') return started;
  return { ...started, picked: `${specialty} was picked, since ${routing.reasons.join(' and ')}` };
}

function specialtySet({ specialties }: RepoSettings): Set<string> {
  return new Set(specialties.keys());
}

function decideRetry(
  situation: CommandSituation,
  { name, specialty, anyway }: Extract<Command, { name: 'retry' }>,
): Verdict {
  const { settings, jobs, issue } = situation;
  const newest = newestOfEach(jobs).filter((job) => specialty === null || job.specialty === specialty);
  const failedRevision = findFailedRevision(jobs, specialty);
  if (failedRevision !== null) {
    const { instructions, revision } = failedRevision;
    return revise(situation, { cause: 'asked', instructions, checks: revision?.checks ?? [] });
  }
  const blocked = findBlocked(situation, 'retry');
  if (blocked !== null) return refused(blocked);
  const [last] = newest;
  if (last === undefined) {
    const which = specialty === null ? 'No work' : `No ${toCode(specialty, 50)} work`;
    return refused(
      `${which} was asked for on this issue before. Start it with \`/agent run ${specialty ?? 'backend'}\`.`,
    );
  }
  const failed = newest.find((job) => isTerminal(job.state) && job.state !== 'succeeded');
  if (failed === undefined) {
    return refused(
      isTerminal(last.state) ? explainSucceeded(last) : explainUnderWay(last.specialty, situation.statusUrl),
    );
  }
  if (!settings.specialties.has(failed.specialty)) {
    return refused(explainUnknownSpecialty(failed.specialty, settings));
  }
  const options = { agent: null, model: null, isAnyway: anyway === true, name };
  return start(situation, failed.specialty, failed.instructions, options, issue);
}

/** What `retry` would do once more, where that is a revision; `jobs`: the newest first. */
export function findFailedRevision(jobs: readonly Job[], specialty: string | null): Job | null {
  const newest = newestOfEach(jobs).filter((job) => specialty === null || job.specialty === specialty);
  const failed = newest.find(({ state }) => isTerminal(state) && state !== 'succeeded');
  // One that `recover` rebuilt no longer knows what it was about.
  return failed?.kind === 'revise' && failed.revision !== null ? failed : null;
}

function revise(situation: CommandSituation, wished: RevisionWish): Verdict {
  const { revision: reading, issue, settings, settingsProblem, jobs, sender, by } = situation;
  const wish = { ...wished, isOfBot: isBot({ login: sender.login, isBot: false }) };
  const decision = decideRevision({ wish, reading, issue, settings, settingsProblem, jobs });
  if (decision.kind === 'refused') return refused(decision.reason);
  return { ...decision, reason: `${sender.login} asked for it ${by}` };
}

function start(
  situation: CommandSituation,
  specialty: string,
  instructions: string | null,
  options: { agent: string | null; model: string | null; isAnyway: boolean; name: 'run' | 'retry' },
  issue: IssueReading,
): Verdict {
  const { settings, jobs, sender, by, openPullRequests } = situation;
  const wanted = settings.specialties.get(specialty);
  if (!issue.found || wanted === undefined)
    throw new Error(`Nothing is known of the issue, or of ${specialty}`);
  if (jobs.some((job) => job.specialty === specialty && !isTerminal(job.state))) {
    return refused(explainUnderWay(specialty, situation.statusUrl));
  }
  const open = findOwn(openPullRequests, specialty);
  if (open !== null) return refused(explainOpen(specialty, open));
  const linked = findLinked(openPullRequests);
  if (linked !== null && !options.isAnyway)
    return refused(toLinkedText(linked, `${options.name} ${specialty}`));
  const label = issue.issue.labels.find((name) => settings.labels.get(name.toLowerCase()) === specialty);
  const { otherAgents: _others, ...namedAlone } = wanted.settings;
  return {
    kind: 'start',
    reason: `${sender.login} asked for it ${by}`,
    issue: issue.issue,
    specialty,
    needs: wanted.needs,
    settings: {
      // Who names an agent wants this one.
      ...(options.agent === null ? wanted.settings : { ...namedAlone, agent: options.agent }),
      ...(options.model === null ? {} : { model: options.model }),
    },
    instructions,
    label: label ?? null,
    labelPriority: findLabelPriority(issue.issue.labels, settings.priorityLabels),
    blockers: issue.openBlockers,
    labelled: toLabelled(issue.issue.labels, settings.labels),
    beside: explainStrangers(openPullRequests),
  };
}

function decideCancel(situation: CommandSituation, { specialty }: AboutSpecialty): Verdict {
  const live = liveJobs(situation, specialty);
  if (live.length === 0)
    return refused(explainNothing(liveJobs(situation, null), specialty, 'There is nothing to cancel'));
  return { kind: 'cancel', reason: `${situation.sender.login} cancelled it ${situation.by}`, jobs: live };
}

function decideHold(situation: CommandSituation, { specialty }: AboutSpecialty): Verdict {
  const live = liveJobs(situation, specialty);
  const waiting = live.filter(({ state }) => state === 'queued' || state === 'offered' || state === 'held');
  if (live.length === 0)
    return refused(explainNothing(liveJobs(situation, null), specialty, 'There is nothing to hold'));
  if (waiting.length === 0) {
    return refused(
      'A runner works on it already. `/agent cancel` stops it, `/agent retry` starts it again later.',
    );
  }
  const reason = `${situation.sender.login} put it on hold; \`/agent unhold\` lets it go on`;
  return { kind: 'hold', reason, jobs: waiting };
}

function decideUnhold(situation: CommandSituation, { specialty }: AboutSpecialty): Verdict {
  const live = liveJobs(situation, specialty);
  const held = live.filter(({ state }) => state === 'held');
  if (live.length === 0)
    return refused(explainNothing(liveJobs(situation, null), specialty, 'Nothing is on hold'));
  if (held.length === 0) return refused(explainNotHeld(live));
  return { kind: 'unhold', reason: `${situation.sender.login} let it go on`, jobs: held };
}

function decidePriority(
  situation: CommandSituation,
  { level }: Extract<Command, { name: 'priority' }>,
): Verdict {
  const live = liveJobs(situation, null);
  const waiting = live.filter(({ state }) => state === 'queued' || state === 'held');
  if (live.length === 0) return refused(explainNothing(live, null, 'Nothing waits'));
  if (waiting.length === 0)
    return refused('A runner has it already, so its place in the queue changes nothing any more.');
  const reason = `${situation.sender.login} set the priority to ${level}`;
  return { kind: 'priority', reason, jobs: waiting, priority: PRIORITIES[level] };
}

/** What keeps all work from starting here; Markdown. */
function findBlocked(situation: CommandSituation, name: 'run' | 'retry'): string | null {
  const { isPullRequest, issue, settingsProblem } = situation;
  if (isPullRequest)
    return `\`/agent ${name}\` starts work on issues, and this is a pull request. Write it on an issue; \`/agent fix\` has a pull request of Yardmaster reworked.`;
  if (!issue.found) return `The issue can’t be read: ${toInline(issue.reason, 300)}.`;
  if (issue.state === 'closed') return `The issue is closed. Reopen it, then write \`/agent ${name}\` again.`;
  if (issue.locked) {
    return `The conversation is locked, so progress could not be shown here. Unlock it, then write \`/agent ${name}\` again.`;
  }
  return settingsProblem === null ? null : explainSettingsProblem(settingsProblem, name);
}

/** From the labels of the issue, else from what was asked for before; `null` when that is none, or more than one. */
function guessSpecialty({ issue, settings, jobs }: CommandSituation): string | null {
  const labelled = issue.found
    ? issue.issue.labels.map((name) => settings.labels.get(name.toLowerCase()))
    : [];
  for (const found of [labelled, jobs.map((job) => job.specialty)]) {
    const [only, ...more] = new Set(found.filter((specialty) => specialty !== undefined));
    if (only !== undefined) return more.length === 0 ? only : null;
  }
  return null;
}

function liveJobs({ jobs }: CommandSituation, specialty: string | null): Job[] {
  return jobs.filter((job) => !isTerminal(job.state) && (specialty === null || job.specialty === specialty));
}

/** The newest job of each specialty, the newest first. */
function newestOfEach(jobs: readonly Job[]): Job[] {
  return jobs.filter((job, at) => jobs.findIndex(({ specialty }) => specialty === job.specialty) === at);
}

function isSameStart(one: CommandAction, other: CommandAction): boolean {
  const starts = (action: CommandAction) =>
    action.kind === 'start' || action.kind === 'revise' ? action.specialty : null;
  return starts(one) !== null && starts(one) === starts(other);
}

function refused(reason: string): Verdict {
  return { kind: 'refused', reason };
}
