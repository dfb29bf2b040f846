import type { RepositoryRef } from '../contract/job.ts';
import { toAnnotations } from './annotations.ts';
import type { CheckRunContent } from './check-run-content.ts';
import { formatCost } from './figures-text.ts';
import { toCode, toInline, toTable } from './markdown-escape.ts';
import { combineSettings, findSlips, type RepoSettings } from './repo-settings.ts';
import type { SettingsReading } from './settings-document.ts';
import { describePlace, ORGANISATION_REPOSITORY, type SettingsPlace } from './settings-layers.ts';
import { SETTINGS_FILE_PATH, type SettingsProblem } from './settings-problem.ts';
import type { DailyLimits } from './spending.ts';
import { describeStartRules } from './who-may-start.ts';

/** What the settings file of a commit says. Nothing of it is kept or put in force. */
export type ProposedSettings =
  /** `extension`: why what it extends can't be used; `null` when it can, or wasn't looked at. */
  | { kind: 'read'; text: string; reading: SettingsReading; extension: string | null }
  /** The commit has no such file: `appliesThen` is where settings come from without it; `null`: built in. */
  | { kind: 'none'; appliesThen: SettingsPlace | null };

const MAX_ROWS = 100;
const MAX_CELL_CHARACTERS = 300;

/** The check run on a pull request that changes the settings: what they mean, or every mistake on its line. The file is hostile text. */
export function toSettingsCheckRun(facts: {
  repository: Pick<RepositoryRef, 'name' | 'owner'>;
  proposed: ProposedSettings;
  isFork: boolean;
}): { name: string; content: CheckRunContent } {
  return { name: 'Yardmaster settings', content: toContent(facts) };
}

function toContent({ repository, proposed, isFork }: Parameters<typeof toSettingsCheckRun>[0]) {
  if (proposed.kind === 'none') return toRemoved(proposed.appliesThen);
  const { reading, text, extension } = proposed;
  if (!reading.ok) return toFailure(reading.problems, reading.more);
  if (extension !== null) {
    return toFailure([{ key: '_extends', line: lineOfExtends(text), message: extension }], 0);
  }
  return toSuccess(repository, reading.file, isFork);
}

function toRemoved(appliesThen: SettingsPlace | null): CheckRunContent {
  const then =
    appliesThen === null
      ? 'the built-in settings: labels `agent:backend`, `agent:frontend`, `agent:testing` and `agent:devops`, no daily limits'
      : toInline(describePlace(appliesThen), MAX_CELL_CHARACTERS);
  return {
    status: 'completed',
    conclusion: 'neutral',
    title: 'The settings file is removed',
    summary: `Without \`${SETTINGS_FILE_PATH}\`, what counts is ${then}.`,
  };
}

function toFailure(problems: readonly SettingsProblem[], more: number): CheckRunContent {
  const lines = problems.map(({ key, line, message }) => {
    const place = [line === null ? null : `line ${line}`, key === null ? null : toCode(key, 200)];
    const told = [place.filter((part) => part !== null).join(', '), toInline(message, MAX_CELL_CHARACTERS)];
    return `- ${told.filter((part) => part !== '').join(': ')}`;
  });
  const count = problems.length + more;
  return {
    status: 'completed',
    conclusion: 'failure',
    title: count === 1 ? 'The settings have a mistake' : `The settings have ${count} mistakes`,
    summary: [
      `\`${SETTINGS_FILE_PATH}\` can’t be used:`,
      [...lines, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n'),
      'If you merge this, the last valid settings stay in force; if there never were any, new jobs are refused. `yardmaster config check` says the same before you push.',
    ].join('\n\n'),
    annotations: toAnnotations(
      problems.map(({ key, line, message }) => ({
        path: SETTINGS_FILE_PATH,
        startLine: line ?? 1,
        endLine: line ?? 1,
        level: 'failure',
        title: key ?? 'The file',
        message,
      })),
    ),
  };
}

function toSuccess(
  { owner, name }: Pick<RepositoryRef, 'name' | 'owner'>,
  file: Extract<SettingsReading, { ok: true }>['file'],
  isFork: boolean,
): CheckRunContent {
  const settings = combineSettings([file]);
  const prefix = `${SETTINGS_FILE_PATH}: `;
  const slips = findSlips(file).map((slip) => (slip.startsWith(prefix) ? slip.slice(prefix.length) : slip));
  const isShared = name.toLowerCase() === ORGANISATION_REPOSITORY;
  const extended = file._extends ?? null;
  return {
    status: 'completed',
    conclusion: 'success',
    title: slips.length === 0 ? 'The settings can be used' : 'The settings can be used, but may hold slips',
    summary: [
      slips.length === 0
        ? null
        : `⚠️ Allowed, but hardly meant:\n\n${slips
            .slice(0, MAX_ROWS)
            .map((slip) => `- ${toInline(slip, MAX_CELL_CHARACTERS)}`)
            .join('\n')}`,
      'On the default branch, they would mean:',
      toSpecialtyTable(settings),
      extended === null
        ? null
        : `Not shown: what ${toCode(extended, 200)} adds, which it extends${isFork ? ' and which was not looked at, since the pull request comes from a fork' : ''}.`,
      toPriorityText(settings.priorityLabels),
      `**Limits a day:** ${toLimitsText(settings.limits)}.`,
      `**Who may start work:** ${toStarters(settings.triggers)}. Whoever may remove the label or close the issue may stop it.`,
      isShared
        ? `They hold for every repository of ${toInline(owner, 100)} that has no \`${SETTINGS_FILE_PATH}\` of its own, too.`
        : null,
    ]
      .filter((part) => part !== null)
      .join('\n\n'),
  };
}

function toSpecialtyTable({ labels, specialties }: RepoSettings): string {
  const rows = [...specialties].slice(0, MAX_ROWS).map(([name, { needs, settings }]) => {
    const leading = [...labels].flatMap(([label, specialty]) => (specialty === name ? [label] : []));
    const tests = settings.testCommands?.map((command) => command.join(' ')) ?? null;
    return [
      leading
        .map((label) => toCode(label, 50))
        .join(', ')
        .slice(0, 2000),
      toCode(name, 50),
      [
        ...needs.map((need) => toCode(need, 100)),
        ...(settings.after ?? []).map((one) => `${toCode(one, 50)} merged first`),
      ].join(', '),
      tests === null
        ? 'what the runner finds'
        : tests.length === 0
          ? 'none'
          : toCode(tests.join('; '), MAX_CELL_CHARACTERS),
      [
        settings.agent === null
          ? 'the runner’s default'
          : [settings.agent, ...(settings.otherAgents ?? [])]
              .map((agent) => toCode(agent, 100))
              .join(', else '),
        settings.model === null ? null : toCode(settings.model, 100),
      ]
        .filter((part) => part !== null)
        .join(', '),
      `${settings.maxMinutes} min, ${formatCost(settings.maxBudgetUsd)}`,
    ];
  });
  const table = toTable(['labels', 'specialty', 'needs', 'tests', 'agent', 'one attempt, at most'], rows);
  const more = specialties.size - rows.length;
  return more > 0 ? `${table}\n\nAnd ${more} more specialties.` : table;
}

function toPriorityText(priorityLabels: RepoSettings['priorityLabels']): string | null {
  if (priorityLabels.size === 0) return null;
  const shown = [...priorityLabels].slice(0, MAX_ROWS);
  const labels = shown.map(([label, priority]) => `${toCode(label, 50)} ${priority}`).join(', ');
  const more = priorityLabels.size - shown.length;
  return `**Priority by label:** ${labels}${more > 0 ? `, and ${more} more` : ''}.`;
}

function toStarters(triggers: RepoSettings['triggers']): string {
  const bots = triggers.bots.map((login) => toCode(login, 120));
  const people = `people with ${toInline(describeStartRules(triggers), 1500)}`;
  return bots.length === 0 ? people : `${people}; and the bots ${bots.join(', ')}`;
}

function toLimitsText({ repository, person }: RepoSettings['limits']): string {
  const parts = [
    toLimitText('for the repository', repository),
    toLimitText('for each person', person),
  ].filter((part) => part !== null);
  return parts.length === 0 ? 'none' : parts.join('; ');
}

function toLimitText(whose: string, { jobs, costUsd, minutes }: DailyLimits): string | null {
  const parts = [
    jobs === undefined ? null : `${jobs} ${jobs === 1 ? 'job' : 'jobs'}`,
    costUsd === undefined ? null : formatCost(costUsd),
    minutes === undefined ? null : `${minutes} minutes`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : `${whose} ${parts.join(', ')}`;
}

/** `null` when it is written in a way that only YAML finds, such as in braces. */
function lineOfExtends(text: string): number | null {
  const index = text.split('\n').findIndex((line) => /^["']?_extends["']?\s*:/.test(line));
  return index === -1 ? null : index + 1;
}
