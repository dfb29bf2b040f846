import type { Checkout, JobSettings } from '../contract/job.ts';
import type { AllJobSettings, Concurrency, PullRequestWishes } from './job.ts';
import { BUILT_IN_SPECIALTIES, toLabelName } from './labels.ts';
import type { PriorityLabels } from './priority-labels.ts';
import type { RoutingRule } from './routing-rule.ts';
import { readSettingsDocument } from './settings-document.ts';
import type { SettingsFile } from './settings-file.ts';
import type { SpecialtyFields } from './settings-specialty.ts';
import type { DailyLimits } from './spending.ts';
import { mergeSettings } from './settings-layers.ts';
import { readOrderWithoutCircles, specialtyNames } from './specialty-names.ts';
import { SETTINGS_FILE_PATH, describeProblems, type SettingsProblem } from './settings-problem.ts';
import type { StartRules } from './who-may-start.ts';
import { didYouMean } from '../lib/did-you-mean.ts';

/** `.github/yardmaster.yml`, parsed, with the built-in defaults filled in. */
export type RepoSettings = {
  /** Label name, lower case → specialty. Always has `agent:<specialty>` for every known specialty. */
  labels: ReadonlyMap<string, string>;
  /** Which labels of an issue say how urgent its work is. */
  priorityLabels: PriorityLabels;
  specialties: ReadonlyMap<string, { needs: string[]; settings: AllJobSettings }>;
  /** Which specialty an issue without a label is for; the built-in rules come after these. */
  routing: readonly RoutingRule[];
  /** Who may start work. */
  triggers: StartRules;
  /** What may be used up in a day: by all jobs of the repository, and by those of each person. */
  limits: { repository: DailyLimits; person: DailyLimits };
};

export type RepoSettingsReading =
  /** `warnings`: what is allowed, but is hardly meant. */
  | { ok: true; settings: RepoSettings; warnings: string[] }
  /** Every problem with its key, its line and what to do; plain text of several lines. */
  | { ok: false; message: string; problems: SettingsProblem[] };

/** What holds where neither a specialty nor `defaults` says anything. */
export const DEFAULT_JOB_SETTINGS: JobSettings = {
  agent: null,
  model: null,
  setupCommands: null,
  testCommands: null,
  guidance: null,
  maxMinutes: 120,
  maxTurns: 200,
  maxBudgetUsd: 20,
  repairRounds: 2,
};

/** The text of a repository's settings file → settings; `null` = there is no file, so the built-in ones. `file`: its name in messages; `most`: of many problems. */
export function parseRepoSettings(text: string | null, file?: string, most?: number): RepoSettingsReading {
  const reading = text === null ? { ok: true as const, file: {} } : readSettingsDocument(text, most);
  if (!reading.ok) {
    const { problems, more } = reading;
    return { ok: false, message: describeProblems(problems, more, file), problems };
  }
  return { ok: true, ...complete(reading.file) };
}

/** Settings files that were checked, the nearest first, with the built-in defaults filled in. */
export function combineSettings(files: readonly SettingsFile[]): RepoSettings {
  return complete(mergeSettings(files)).settings;
}

/** What is allowed in a checked file, but is hardly meant. Plain text. */
export function findSlips(file: SettingsFile): string[] {
  return complete(file).warnings;
}

function complete(file: SettingsFile): { settings: RepoSettings; warnings: string[] } {
  const labelled = Object.entries(file.labels ?? {}).map(
    ([label, specialty]) => [label.toLowerCase(), specialty] as const,
  );
  const own = new Map(Object.entries(file.specialties ?? {}));
  const declared = new Set<string>([...BUILT_IN_SPECIALTIES, ...own.keys()]);
  const names = specialtyNames(file);
  const order = readOrderWithoutCircles(file);
  const specialties = new Map(
    [...names].map((name) => [
      name,
      toSpecialty(file.defaults ?? {}, own.get(name) ?? {}, {
        name,
        names,
        after: order.get(name) ?? [],
        together: file.concurrency ?? undefined,
      }),
    ]),
  );
  const labels = new Map([...[...names].map((name) => [toLabelName(name), name] as const), ...labelled]);
  const priorityLabels = new Map(
    Object.entries(file.priority_labels ?? {}).map(([label, priority]) => [label.toLowerCase(), priority]),
  );
  const warnings = [
    ...labelled.flatMap(([label, specialty]) => warnOfUndeclared(label, specialty, declared)),
    ...warnOfSplitCommands(file),
    ...warnOfIdleTeams(file),
  ];
  const limits = {
    repository: toDailyLimits(file.limits?.repository),
    person: toDailyLimits(file.limits?.person),
  };
  const routing = (file.routing ?? []).map(toRoutingRule);
  const { role = null, teams = [], bots = [] } = file.triggers ?? {};
  const starters = { role, teams, bots };
  return {
    settings: { labels, priorityLabels, specialties, routing, triggers: starters, limits },
    warnings,
  };
}

function toRoutingRule(written: NonNullable<SettingsFile['routing']>[number]): RoutingRule {
  const { specialty, paths = [], words = [], types = [], fields = {} } = written;
  return { specialty, paths, words, types, fields };
}

type WrittenLimits = NonNullable<SettingsFile['limits']>['repository'];

function toDailyLimits(written: WrittenLimits): DailyLimits {
  return { jobs: written?.jobs, costUsd: written?.usd, minutes: written?.minutes };
}

function toSpecialty(
  defaults: SpecialtyFields,
  own: SpecialtyFields,
  order: {
    name: string;
    names: ReadonlySet<string>;
    after: readonly string[];
    /** Most jobs of the repository at once. */
    together: number | undefined;
  },
): { needs: string[]; settings: AllJobSettings } {
  const pick = <Key extends keyof SpecialtyFields>(key: Key): SpecialtyFields[Key] =>
    own[key] ?? defaults[key];
  const [agent = DEFAULT_JOB_SETTINGS.agent, ...otherAgents] = new Set([pick('agent') ?? []].flat());
  return {
    needs: own.needs?.filter((need) => need === order.name || !order.names.has(need)) ?? defaults.needs ?? [],
    settings: {
      agent,
      ...toOptional('otherAgents', otherAgents.length === 0 ? undefined : otherAgents),
      model: pick('model') ?? DEFAULT_JOB_SETTINGS.model,
      setupCommands: pick('setup') ?? DEFAULT_JOB_SETTINGS.setupCommands,
      testCommands: pick('test') ?? DEFAULT_JOB_SETTINGS.testCommands,
      guidance: pick('guidance') ?? DEFAULT_JOB_SETTINGS.guidance,
      maxMinutes: pick('max_minutes') ?? DEFAULT_JOB_SETTINGS.maxMinutes,
      maxTurns: pick('max_turns') ?? DEFAULT_JOB_SETTINGS.maxTurns,
      maxBudgetUsd: pick('max_budget_usd') ?? DEFAULT_JOB_SETTINGS.maxBudgetUsd,
      repairRounds: pick('repair_rounds') ?? DEFAULT_JOB_SETTINGS.repairRounds,
      ...toOptional('allowRedBefore', pick('allow_red_before')),
      ...toOptional('rebase', pick('rebase')),
      ...toOptional('commits', pick('commits')),
      ...toOptional('allowedPaths', pick('allowed_paths')),
      ...toOptional('protectedPaths', pick('protected_paths')),
      ...toOptional('unprotectedPaths', pick('unprotected_paths')),
      ...toOptional('fakeSecretPaths', pick('fake_secret_paths')),
      ...toOptional('coverage', pick('coverage')),
      ...toOptional('refusedWork', pick('refused_work')),
      ...toOptional('checkout', toCheckout({ ...defaults.checkout, ...own.checkout })),
      ...toOptional('hosts', pick('hosts')),
      ...toOptional('concurrency', toConcurrency(order.together, pick('concurrency'))),
      ...toOptional('paused', pick('paused')),
      ...toOptional('quiet', pick('quiet')),
      ...toOptional('assignIssue', pick('assign_issue')),
      ...toOptional('after', order.after.length === 0 ? undefined : [...order.after]),
      ...toOptional('pullRequest', toWishes({ ...defaults.pull_request, ...own.pull_request })),
    },
  };
}

/** A key that jobs from before it was known don't have: left out when nothing says anything. */
function toOptional<Key extends keyof AllJobSettings>(
  key: Key,
  value: AllJobSettings[Key],
): Partial<Pick<AllJobSettings, Key>> {
  // One key with its own type, which the compiler can't tell of a computed one.
  return value === undefined ? {} : ({ [key]: value } as Partial<Pick<AllJobSettings, Key>>);
}

/** `undefined` when all is as usual. */
function toCheckout(written: Checkout): Checkout | undefined {
  return Object.keys(written).length === 0 ? undefined : written;
}

/** `undefined` when nothing is limited. */
function toConcurrency(
  repository: number | undefined,
  specialty: number | undefined,
): Concurrency | undefined {
  if (repository === undefined && specialty === undefined) return undefined;
  return {
    ...(repository === undefined ? {} : { repository }),
    ...(specialty === undefined ? {} : { specialty }),
  };
}

/** `undefined` when nothing is wished. */
function toWishes(written: NonNullable<SpecialtyFields['pull_request']>): PullRequestWishes | undefined {
  const {
    delete_branch: deleteBranch,
    resolve_conflicts: resolveConflicts,
    fix_ci: fixCi,
    ...rest
  } = written;
  const wishes = {
    ...rest,
    ...(deleteBranch === undefined ? {} : { deleteBranch }),
    ...(resolveConflicts === undefined ? {} : { resolveConflicts }),
    ...(fixCi === undefined ? {} : { fixChecks: Number(fixCi) }),
  };
  return Object.keys(wishes).length === 0 ? undefined : wishes;
}

/** A label may lead to a specialty without settings of its own, unless its name looks like a slip of the pen. */
function warnOfUndeclared(label: string, specialty: string, declared: ReadonlySet<string>): string[] {
  if (declared.has(specialty)) return [];
  const meant = didYouMean(specialty, declared);
  if (meant === null) return [];
  return [`${SETTINGS_FILE_PATH}: labels."${label}" leads to "${specialty}"; did you mean "${meant}"?`];
}

function warnOfIdleTeams({ triggers }: SettingsFile): string[] {
  if (triggers?.role !== 'write' || (triggers.teams ?? []).length === 0) return [];
  return [
    `${SETTINGS_FILE_PATH}: triggers.teams changes nothing beside "role: write", since their members need write access anyway; leave role out to let only the teams start work`,
  ];
}

/** `test: [npm, test]` is two commands, which nobody wants. */
function warnOfSplitCommands({ defaults, specialties }: SettingsFile): string[] {
  const places = [
    ['defaults', defaults] as const,
    ...Object.entries(specialties ?? {}).map(([name, fields]) => [`specialties.${name}`, fields] as const),
  ];
  return places.flatMap(([place, fields]) =>
    (['setup', 'test'] as const).flatMap((key) => {
      const commands = fields?.[key] ?? [];
      if (commands.length < 2 || commands.some((command) => command.length > 1)) return [];
      const line = commands.flat().join(' ');
      return [
        `${SETTINGS_FILE_PATH}: ${place}.${key} is ${commands.length} commands of one word each; for one command write "${line}"`,
      ];
    }),
  );
}
