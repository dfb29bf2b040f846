import type { IssueReading, Situation } from '../domain/decide.ts';
import type { Job } from '../domain/job.ts';
import { mayWrite } from '../domain/permission.ts';
import { toLabelName } from '../domain/labels.ts';
import type { RepoSettings } from '../domain/repo-settings.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { Standing } from '../domain/who-may-start.ts';
import type { GitHub } from '../github/github.ts';
import type { Store } from '../store/store.ts';
import { withComments } from './read-comments.ts';
import { readOpenPullRequests } from './read-open-pull-requests.ts';
import { BUILT_IN_SETTINGS, readSettings, type SettingsInForce } from './read-settings.ts';
import { readStanding } from './read-standing.ts';
import type { TriggerDeps } from './trigger-deps.ts';

type ReadingDeps = Pick<TriggerDeps, 'github'> & {
  store: Pick<Store, 'jobs' | 'memory' | 'sweeps' | 'nowMs'>;
};

const NOT_ASKED: Standing = { permission: 'none', denial: null };

/** `isOfPriority`: the label says how urgent work is, or did for work that waits. */
export type SituationReading = { isOfPriority: boolean } & (
  { kind: 'of_no_interest'; reason: string } | { kind: 'read'; situation: Situation }
);

/** Reads as little as the decision needs: most labels and most closed issues are none of our business. */
export async function readSituation(
  trigger: Situation['trigger'],
  deps: ReadingDeps,
): Promise<SituationReading> {
  const { store, github } = deps;
  const { target, issueNumber } = trigger;
  const liveJobs = await store.jobs.liveOfIssue(target.repository.id, issueNumber);
  if (trigger.kind !== 'label_added' && liveJobs.length === 0) {
    return { kind: 'of_no_interest', reason: 'nothing was under way on this issue', isOfPriority: false };
  }

  // Only starting work asks for settings: to end it, they may have changed or broken since.
  const inForce =
    trigger.kind === 'label_added' ? await readSettingsWithAliases(target, deps) : BUILT_IN_SETTINGS;
  const { settings } = inForce;
  const isOfPriority = findsPriority(trigger, settings, liveJobs);
  if (trigger.kind === 'label_added' && !isOurLabel(trigger.label, settings)) {
    const reason = `the label "${trigger.label}" stands for no specialty`;
    return { kind: 'of_no_interest', reason, isOfPriority };
  }

  const isStart = trigger.kind === 'label_added';
  const [issue, { permission, denial }, identity] = await Promise.all([
    github.readIssue(target, issueNumber),
    // Who removes a label or closes an issue may do so; only starting work asks for more.
    isStart ? readStanding(target, trigger.sender, async () => settings.triggers, deps) : NOT_ASKED,
    github.identity(),
  ]);
  // What costs requests is not read for somebody who may not start work.
  const mayStart = isStart && mayWrite(permission) && denial === null;
  const openPullRequests = isStart ? await readOpenPullRequests(target, issueNumber, mayStart, deps) : [];
  const situation: Situation = {
    trigger,
    issue: asLabelled(await readSaid(issue), trigger),
    permission,
    denial,
    botLogin: identity.bot.login,
    settings,
    settingsProblem: inForce.problem,
    settingsNotice: inForce.notice,
    liveJobs,
    openPullRequests,
  };
  return { kind: 'read', situation, isOfPriority };

  async function readSaid(reading: IssueReading): Promise<IssueReading> {
    if (trigger.kind !== 'label_added' || !mayStart) return reading;
    const asking = { at: trigger.at, commentId: null };
    return withComments(target, reading, asking, { [trigger.sender.login]: permission }, deps);
  }
}

/** With the labels that were renamed on GitHub and not in the settings: they go on standing for what they stood for. */
export async function readSettingsWithAliases(
  target: RepositoryTarget,
  deps: { store: ReadingDeps['store']; github: Pick<GitHub, 'readSettingsFile'> },
): Promise<SettingsInForce> {
  const [inForce, aliases] = await Promise.all([
    readSettings(target, deps),
    deps.store.sweeps.labelAliases(target.repository.id),
  ]);
  const labels = new Map(inForce.settings.labels);
  const priorityLabels = new Map(inForce.settings.priorityLabels);
  for (const [name, standsFor] of aliases) {
    const specialty = labels.get(standsFor);
    if (specialty !== undefined && !labels.has(name)) labels.set(name, specialty);
    const priority = priorityLabels.get(standsFor);
    if (priority !== undefined && !priorityLabels.has(name)) priorityLabels.set(name, priority);
  }
  return { ...inForce, settings: { ...inForce.settings, labels, priorityLabels } };
}

/** GitHub tells now whether work may start; what the work is was said with the label, and no later edit reaches the agent. */
function asLabelled(reading: IssueReading, trigger: Situation['trigger']): IssueReading {
  if (!reading.found || trigger.kind !== 'label_added') return reading;
  return { ...reading, issue: { ...reading.issue, ...trigger.issue } };
}

function findsPriority(
  trigger: Situation['trigger'],
  { priorityLabels }: RepoSettings,
  liveJobs: readonly Pick<Job, 'prioritySource'>[],
): boolean {
  if (trigger.kind === 'label_added') return priorityLabels.has(trigger.label.toLowerCase());
  // What it stood for may have changed since, and so may its name.
  return trigger.kind === 'label_removed' && liveJobs.some((job) => job.prioritySource?.by === 'label');
}

/** A label that looks like ours is answered even if no specialty bears it, when the settings can't tell. */
function isOurLabel(label: string, settings: RepoSettings): boolean {
  const name = label.toLowerCase();
  return settings.labels.has(name) || name.startsWith(toLabelName(''));
}
