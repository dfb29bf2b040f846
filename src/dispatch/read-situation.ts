import type { Decision, IssueReading, Situation } from '../domain/decide.ts';
import { toLabelName } from '../domain/labels.ts';
import type { RepoSettings, RepoSettingsReading } from '../domain/repo-settings.ts';
import type { GitHub } from '../github/github.ts';
import type { Store } from '../store/store.ts';

export type ReadingDeps = {
  store: Pick<Store, 'jobs'>;
  github: Pick<GitHub, 'readIssue' | 'readPermission' | 'readSettingsFile' | 'identity'>;
  parseRepoSettings: (text: string | null) => RepoSettingsReading;
};

export type SituationReading =
  | { kind: 'of_no_interest'; reason: string }
  /** `refusal`: the settings can't be read, so nothing can be decided. */
  | { kind: 'read'; situation: Situation; refusal: Extract<Decision, { kind: 'refuse' }> | null };

/** Reads as little as the decision needs: most labels and most closed issues are none of our business. */
export async function readSituation(
  trigger: Situation['trigger'],
  deps: ReadingDeps,
): Promise<SituationReading> {
  const { store, github } = deps;
  const { target, issueNumber } = trigger;
  const liveJobs = await store.jobs.liveOfIssue(target.repository.id, issueNumber);
  if (trigger.kind !== 'label_added' && liveJobs.length === 0) {
    return { kind: 'of_no_interest', reason: 'nothing was under way on this issue' };
  }

  // Only starting work asks for settings: to end it, they may have changed or broken since.
  const file = trigger.kind === 'label_added' ? await github.readSettingsFile(target) : null;
  const reading = deps.parseRepoSettings(file);
  const settings = reading.ok ? reading.settings : builtInSettings(deps);
  if (trigger.kind === 'label_added' && !isOurLabel(trigger.label, settings)) {
    return { kind: 'of_no_interest', reason: `the label "${trigger.label}" stands for no specialty` };
  }

  const [issue, permission, identity] = await Promise.all([
    github.readIssue(target, issueNumber),
    // Who removes a label or closes an issue may do so; only starting work asks for more.
    trigger.kind === 'label_added' ? github.readPermission(target, trigger.sender.login) : ('none' as const),
    github.identity(),
  ]);
  const situation: Situation = {
    trigger,
    issue: asLabelled(issue, trigger),
    permission,
    botLogin: identity.bot.login,
    settings,
    liveJobs,
  };
  const isRefused = !reading.ok && liveJobs.length === 0;
  return {
    kind: 'read',
    situation,
    refusal: isRefused ? { kind: 'refuse', reason: reading.message } : null,
  };
}

/** GitHub tells now whether work may start; what the work is was said with the label, and no later edit reaches the agent. */
function asLabelled(reading: IssueReading, trigger: Situation['trigger']): IssueReading {
  if (!reading.found || trigger.kind !== 'label_added') return reading;
  return { ...reading, issue: { ...reading.issue, ...trigger.issue } };
}

/** A label that looks like ours is answered even if no specialty bears it, when the settings can't tell. */
function isOurLabel(label: string, settings: RepoSettings): boolean {
  const name = label.toLowerCase();
  return settings.labels.has(name) || name.startsWith(toLabelName(''));
}

function builtInSettings(deps: Pick<ReadingDeps, 'parseRepoSettings'>): RepoSettings {
  const builtIn = deps.parseRepoSettings(null);
  if (!builtIn.ok) throw new Error('The built-in settings do not parse');
  return builtIn.settings;
}
