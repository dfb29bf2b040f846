import { didYouMean } from '../lib/did-you-mean.ts';
import type { Job } from './job.ts';
import { toCode, toInline } from './markdown-escape.ts';
import type { OpenPullRequest } from './open-pull-requests.ts';
import type { RepoSettings } from './repo-settings.ts';
import type { Routing } from './route-issue.ts';
import { toRunningText } from './running-text.ts';

/** Better a question than work on the wrong machine. */
export function askForSpecialty(routing: Routing | null, settings: RepoSettings): string {
  if (routing?.kind !== 'unsure') {
    const names = listCodes([...settings.specialties.keys()]);
    return `Which specialty? Name one, as in \`/agent run backend\`. Known here: ${names}.`;
  }
  const { specialty, reasons } = routing;
  const label = [...settings.labels].find(([, leadsTo]) => leadsTo === specialty)?.[0];
  const why = reasons.map((reason) => toInline(reason, 200)).join(' and ');
  const or = label === undefined ? '' : `, or add the label ${toCode(label, 100)}`;
  return `Which specialty? It looks like ${toCode(specialty, 50)}, since ${why}; but that is not sure. If it is right, write ${toCode(`/agent run ${specialty}`, 100)}${or}. Known here: ${listCodes([...settings.specialties.keys()])}.`;
}

/** `statusUrl`: of the status comment, where there is one. */
export function explainUnderWay(specialty: string, statusUrl: string | null): string {
  const status = statusUrl === null ? '`/agent status`' : `Its [status](${statusUrl})`;
  return `A ${toCode(specialty, 50)} job is under way on this issue already. ${status} tells where it stands, \`/agent cancel\` stops it.`;
}

export function explainOpen(specialty: string, { number, url }: OpenPullRequest): string {
  return `[Pull request #${number}](${url}) of the last ${toCode(specialty, 50)} job is open. Merge or close it first, then ask again.`;
}

export function explainSucceeded({ specialty, pullRequest }: Job): string {
  const end =
    pullRequest === null
      ? 'succeeded'
      : `ended with [pull request #${pullRequest.number}](${pullRequest.url})`;
  return `The last ${toCode(specialty, 50)} job ${end}, so there is nothing to retry. To start afresh, write \`/agent run ${specialty}\`.`;
}

/** `live`: the work of other specialties that is under way; `what`: how the sentence begins. */
export function explainNothing(live: readonly Job[], specialty: string | null, what: string): string {
  if (specialty === null || live.length === 0) return `${what}: no work is waiting or running here.`;
  const others = [...new Set(live.map((job) => job.specialty))];
  return `${what} for ${toCode(specialty, 50)}. Under way here: ${listCodes(others)}.`;
}

/** `live`: at least one job, of which none is on hold. */
export function explainNotHeld(live: readonly Job[]): string {
  const states = live.slice(0, 12).map(({ specialty, state }) => {
    const isWaiting = state === 'queued' || state === 'offered';
    return `the ${toCode(specialty, 50)} work ${isWaiting ? 'waits for a runner' : 'is with a runner already'}`;
  });
  return `Nothing is on hold: ${states.join(', ')}.`;
}

/** What keeps all work from starting until somebody mends the settings. `problem` is plain text with others' words. */
export function explainSettingsProblem(problem: string, command: 'run' | 'retry' | 'fix'): string {
  const what = toInline(toRunningText(problem), 2000);
  return `${what}${/[.?!…]$/.test(what) ? '' : '.'} Mend it first, then write \`/agent ${command}\`.`;
}

export function explainUnknownSpecialty(specialty: string, settings: RepoSettings): string {
  const known = [...settings.specialties.keys()];
  const meant = didYouMean(specialty, known);
  const hint = meant === null ? `Known here: ${listCodes(known)}.` : `Did you mean ${toCode(meant, 50)}?`;
  return `There is no specialty ${toCode(specialty, 50)} here. ${hint}`;
}

function listCodes(names: readonly string[]): string {
  const shown = names.slice(0, 12).map((name) => toCode(name, 50));
  return names.length > shown.length
    ? `${shown.join(', ')} and ${names.length - shown.length} more`
    : shown.join(', ');
}
