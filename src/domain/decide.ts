import type { IssueSnapshot } from '../contract/issue-snapshot.ts';
import type { Blocker } from './blockers.ts';
import type { AllJobSettings, Job } from './job.ts';
import { findMeantLabel, type MeantLabel } from './label-hint.ts';
import { toLabelled } from './labels.ts';
import {
  explainLinked,
  explainStrangers,
  findLinked,
  findOwn,
  type OpenPullRequest,
} from './open-pull-requests.ts';
import { mayWrite, type Permission } from './permission.ts';
import { findLabelPriority, type LabelPriority } from './priority-labels.ts';
import type { RepoSettings } from './repo-settings.ts';
import type { Trigger } from './trigger.ts';
import type { Denial } from './who-may-start.ts';

/** The issue as GitHub has it now, read again before deciding, or why it can't be worked on. */
export type IssueReading =
  | {
      found: true;
      issue: IssueSnapshot;
      state: 'open' | 'closed';
      locked: boolean;
      isPullRequest: boolean;
      /** Open issues that block it. */
      openBlockers: readonly Blocker[];
      /** Of all comments, whoever wrote them; absent = not known, and they are not looked at. */
      commentCount?: number;
    }
  | { found: false; reason: string };

/** Everything `decide` looks at. Nothing in here is read by `decide` itself. */
export type Situation = {
  trigger: Extract<Trigger, { kind: 'label_added' | 'label_removed' | 'issue_ended' }>;
  issue: IssueReading;
  permission: Permission;
  /** Why whoever triggered it may not start work although they may write, or is not listened to. */
  denial: Denial | null;
  /** The login that our own writes appear as, e.g. `yardmaster[bot]`. */
  botLogin: string;
  settings: RepoSettings;
  /** Why the repository's own settings can't be used, for people; `settings` are then the built-in ones. */
  settingsProblem: string | null;
  /** The repository's settings have mistakes, and its last good ones are in force: what to say about it, under which key once. */
  settingsNotice: { text: string; key: string } | null;
  /** Jobs of this issue that have not ended. */
  liveJobs: readonly Job[];
  openPullRequests: readonly OpenPullRequest[];
};

/** What is to be done, always with a reason that a person can read. */
export type Decision =
  | {
      kind: 'start';
      reason: string;
      issue: IssueSnapshot;
      specialty: string;
      needs: string[];
      settings: AllJobSettings;
      instructions: string | null;
      /** The label of the issue that says how urgent it is. */
      labelPriority: LabelPriority | null;
      /** While there are any, the job waits. */
      blockers: readonly Blocker[];
      /** Specialties that the labels of the issue stand for. */
      labelled: readonly string[];
      /** What others have open for the issue, and was passed over; plain text. */
      beside: string | null;
    }
  | { kind: 'cancel'; reason: string; jobs: readonly Job[] }
  /** Answered where the issue tells of this job, which has done already what is asked for. */
  | { kind: 'point_to'; reason: string; job: Job }
  /** Nothing begins; whoever added a misspelt label is told so once on the issue. */
  | { kind: 'hint'; reason: string; label: string; meant: MeantLabel }
  /** Nothing to do; logged, never shown on GitHub. */
  | { kind: 'ignore'; reason: string }
  /** Answered on the issue. */
  | { kind: 'refuse'; reason: string };

/**
 * Whether a trigger starts work, ends it, or means nothing. Reasons are plain text: logins and label names in them are
 * hostile and have to be escaped where they are shown.
 */
export function decide(situation: Situation): Decision {
  const { trigger } = situation;
  switch (trigger.kind) {
    case 'label_added':
      return decideLabelAdded(situation, trigger);
    case 'label_removed':
      return decideLabelRemoved(situation, trigger);
    case 'issue_ended':
      return decideIssueEnded(situation, trigger);
    default:
      return trigger satisfies never;
  }
}

type Of<Kind extends Trigger['kind']> = Extract<Trigger, { kind: Kind }>;

function decideLabelAdded(situation: Situation, trigger: Of<'label_added'>): Decision {
  const { settings, settingsProblem, permission, denial, liveJobs } = situation;
  if (isOurs(situation)) return ignore('the label was added by Yardmaster itself');
  if (denial?.isSilent === true) return ignore(denial.reason);
  const specialty = settings.labels.get(trigger.label.toLowerCase());
  if (specialty === undefined && settingsProblem === null) {
    return decideUnknownLabel(situation, trigger);
  }
  if (!situation.issue.found) return ignore(`the issue can't be read: ${situation.issue.reason}`);

  const { issue, state, locked, isPullRequest, openBlockers: blockers } = situation.issue;
  if (!hasLabel(issue, trigger.label)) {
    return ignore(`the label "${trigger.label}" is no longer on the issue`);
  }
  const live = liveJobs.find((job) => job.specialty === specialty);
  if (live !== undefined) {
    const reason = `a ${live.specialty} job for this issue is under way already`;
    // Several labels may stand for the same work, and come together. Who began it by other means left no label behind.
    const isNews = live.label === null && mayWrite(permission) && denial === null;
    return isNews ? pointToLive(trigger, live) : ignore(reason);
  }
  if (!mayWrite(permission)) {
    return refuse(explainPermission(trigger, permission));
  }
  if (denial !== null) {
    return refuse(
      `${denial.reason} Somebody who may start work can remove the label "${trigger.label}" and add it again.`,
    );
  }
  // Only now: what the file holds is no concern of somebody who may not start work.
  if (settingsProblem !== null) return refuse(settingsProblem);
  if (isPullRequest) {
    return refuse(
      'Labels start work on issues only, and this is a pull request. Put the label on an issue; a pull request of Yardmaster is reworked by `/agent fix`.',
    );
  }
  if (state === 'closed') {
    return refuse(`The issue is closed. Reopen it, then add the label "${trigger.label}" again.`);
  }
  if (locked) {
    return refuse(
      `The conversation is locked, so progress could not be shown here. Unlock it, then add the label "${trigger.label}" again.`,
    );
  }

  if (trigger.isTextUnsure === true) {
    return refuse(
      `The label "${trigger.label}" was added while Yardmaster could not hear of it, and the issue has changed since. Look at its text, then remove the label and add it again.`,
    );
  }

  const open = findOwn(situation.openPullRequests, specialty);
  if (open !== null) {
    const { job, number } = open;
    const reason = `${trigger.sender.login} asked for it again, and pull request #${number} is open. Merge or close it first, then remove the label "${trigger.label}" and add it again.`;
    return { kind: 'point_to', reason, job };
  }

  const linked = findLinked(situation.openPullRequests);
  if (linked !== null && specialty !== undefined) return refuse(explainLinked(linked, specialty));

  const wanted = specialty === undefined ? undefined : settings.specialties.get(specialty);
  if (specialty === undefined || wanted === undefined)
    throw new Error(`The label "${trigger.label}" leads to no specialty of the settings`);
  return {
    kind: 'start',
    reason: `${trigger.sender.login} added the label "${trigger.label}"`,
    issue,
    specialty,
    needs: wanted.needs,
    settings: wanted.settings,
    instructions: null,
    labelPriority: findLabelPriority(issue.labels, settings.priorityLabels),
    blockers,
    labelled: toLabelled(issue.labels, settings.labels),
    beside: explainStrangers(situation.openPullRequests),
  };
}

function pointToLive({ sender, label }: Of<'label_added'>, job: Job): Decision {
  const reason = `${sender.login} added the label "${label}" while this work was under way: it began no other, and taking it off does not stop this one.`;
  return { kind: 'point_to', reason, job };
}

/** Most labels are none of ours, and those who may not start work get no lesson in it. */
function decideUnknownLabel(
  { settings, issue, permission, denial }: Situation,
  { label }: Of<'label_added'>,
): Decision {
  const reason = `the label "${label}" stands for no specialty`;
  if (settings.priorityLabels.has(label.toLowerCase())) return ignore(reason);
  const meant = findMeantLabel(label, settings.labels);
  const isSeen =
    issue.found && issue.state === 'open' && !issue.isPullRequest && hasLabel(issue.issue, label);
  if (meant === null || !isSeen || !mayWrite(permission) || denial !== null) return ignore(reason);
  return { kind: 'hint', reason: `${reason}; "${meant.name}" may be meant`, label, meant };
}

/** Anyone whom GitHub lets remove the label may stop the work with it. */
function decideLabelRemoved(situation: Situation, trigger: Of<'label_removed'>): Decision {
  const { issue } = situation;
  if (isOurs(situation)) return ignore('the label was removed by Yardmaster itself');
  if (issue.found && hasLabel(issue.issue, trigger.label)) {
    return ignore(`the label "${trigger.label}" is on the issue again`);
  }
  const jobs = situation.liveJobs.filter(({ label }) => label !== null && isSameLabel(label, trigger.label));
  return cancel(jobs, `${trigger.sender.login} removed the label "${trigger.label}"`);
}

const ENDINGS = {
  closed: 'closed',
  deleted: 'deleted',
  transferred: 'moved to another repository',
  locked: 'locked',
};

function decideIssueEnded(situation: Situation, trigger: Of<'issue_ended'>): Decision {
  const { issue } = situation;
  if (trigger.how === 'closed' && issue.found && issue.state === 'open') {
    return ignore('the issue is open again');
  }
  if (trigger.how === 'locked' && issue.found && !issue.locked) {
    return ignore('the issue is unlocked again');
  }
  return cancel(situation.liveJobs, `The issue was ${ENDINGS[trigger.how]} by ${trigger.sender.login}`);
}

function isOurs({ trigger, botLogin }: Situation): boolean {
  return trigger.sender.login.toLowerCase() === botLogin.toLowerCase();
}

function hasLabel(issue: IssueSnapshot, label: string): boolean {
  return issue.labels.some((name) => isSameLabel(name, label));
}

/** GitHub keeps the case of a label, and takes no two that differ in nothing else. */
function isSameLabel(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function explainPermission({ target, sender, label }: Of<'label_added'>, permission: Permission): string {
  const { owner, name } = target.repository;
  const has = permission === 'read' ? 'may only read' : 'has no access to';
  return `${sender.login} ${has} ${owner}/${name}; starting work needs write access. Someone with write access can remove the label "${label}" and add it again.`;
}

function cancel(jobs: readonly Job[], reason: string): Decision {
  if (jobs.length === 0) return ignore(`${reason}, and nothing was under way`);
  return { kind: 'cancel', reason, jobs };
}

function ignore(reason: string): Decision {
  return { kind: 'ignore', reason };
}

function refuse(reason: string): Decision {
  return { kind: 'refuse', reason };
}
