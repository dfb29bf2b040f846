import type { Command } from '../contract/command-run.ts';
import type { Checkout, JobSettings } from '../contract/job.ts';
import type { Concurrency, PullRequestWishes } from '../domain/job.ts';
import type { RepoSettings } from '../domain/repo-settings.ts';
import { describeStartRules } from '../domain/who-may-start.ts';

/** A repository's settings in a terminal: what each specialty does, and which labels lead to it. Label names are the file's own. */
export function describeSettings(described: RepoSettings): string {
  const { labels, priorityLabels, specialties, routing, triggers, limits } = described;
  const blocks = [...specialties].map(([name, { needs, settings }]) => {
    const leading = [...labels].filter(([, specialty]) => specialty === name).map(([label]) => label);
    const facts: (readonly [string, string])[] = [
      ['labels', leading.join(', ')],
      ['needs', needs.length === 0 ? `a runner of the specialty ${name}` : `${name}, ${needs.join(', ')}`],
      ...(settings.after === undefined
        ? []
        : [['after', `${settings.after.join(', ')}, where both are asked for on an issue`] as const]),
      ['set-up', describeCommands(settings.setupCommands)],
      ['tests', describeCommands(settings.testCommands)],
      [
        'agent',
        `${settings.agent === null ? 'the runner’s default' : [settings.agent, ...(settings.otherAgents ?? [])].join(', else ')}${settings.model === null ? '' : `, model ${settings.model}`}`,
      ],
      [
        'guidance',
        settings.guidance === null ? 'built in' : `${settings.guidance.length} characters of your own`,
      ],
      ['paths', describePaths(settings)],
      ...(settings.checkout === undefined
        ? []
        : [['checkout', describeCheckout(settings.checkout)] as const]),
      ...(settings.hosts === undefined
        ? []
        : [['hosts', `${settings.hosts.join(', ')}, where the machine allows them`] as const]),
      ['pull', describeWishes(settings.pullRequest ?? {})],
      ...(settings.concurrency === undefined
        ? []
        : [['at once', describeConcurrency(settings.concurrency)] as const]),
      ...(settings.paused === true ? [['paused', 'work waits until this is taken away'] as const] : []),
      ...(settings.quiet === true ? [['quiet', 'only how work ends, and what needs a person'] as const] : []),
      [
        'limits',
        `${settings.maxMinutes} min, ${settings.maxTurns} turns, $${settings.maxBudgetUsd}, ${settings.repairRounds} rounds of repair`,
      ],
    ];
    return [name, ...facts.map(([key, value]) => `  ${key.padEnd(9)} ${value}`)].join('\n');
  });
  return [
    ...blocks,
    describePriorityLabels(priorityLabels),
    describeRouting(routing),
    describeStarters(triggers),
    describeLimits(limits),
  ]
    .filter((block) => block !== null)
    .join('\n\n');
}

function describeConcurrency({ repository, specialty }: Concurrency): string {
  return [
    ...(specialty === undefined ? [] : [`${specialty} of the specialty`]),
    ...(repository === undefined ? [] : [`${repository} of the repository`]),
  ].join(', ');
}

function describeWishes(wishes: PullRequestWishes): string {
  const { draft, base, reviewers = [], labels = [], assignee, deleteBranch = false } = wishes;
  const { resolveConflicts = false, fixChecks = 0 } = wishes;
  return [
    `into ${base ?? 'the default branch'}`,
    draft === undefined
      ? 'a draft when no test confirms the work'
      : draft
        ? 'always a draft'
        : 'never a draft',
    ...(reviewers.length === 0 ? [] : [`reviewers ${reviewers.join(', ')}`]),
    ...(labels.length === 0 ? [] : [`labels ${labels.join(', ')}`]),
    ...(assignee === undefined ? [] : [`assigned to ${assignee}`]),
    ...(deleteBranch ? ['its branch is deleted in the end'] : []),
    ...(resolveConflicts ? ['conflicts are resolved by agents'] : []),
    ...(fixChecks > 0
      ? [`failed checks are worked on, ${fixChecks === 1 ? 'once' : `${fixChecks} times`} a head`]
      : []),
  ].join('; ');
}

function describeRouting(rules: RepoSettings['routing']): string | null {
  const lines = rules.map(({ specialty, paths, words, types, fields }) => {
    const parts = [
      ...types.map((type) => `type ${type}`),
      ...Object.entries(fields).map(([question, answers]) => `${question}: ${answers.join(' or ')}`),
      ...paths,
      ...words.map((word) => `“${word}”`),
    ];
    return `  ${specialty.padEnd(11)} ${parts.length === 0 ? 'nothing: name paths, words, types or fields' : parts.join(', ')}`;
  });
  return lines.length === 0 ? null : ['/agent run without a label', ...lines].join('\n');
}

function describePriorityLabels(priorityLabels: RepoSettings['priorityLabels']): string | null {
  const lines = [...priorityLabels].map(([label, priority]) => `  ${priority.padEnd(11)} ${label}`);
  return lines.length === 0 ? null : ['priority by label', ...lines].join('\n');
}

function describeStarters(triggers: RepoSettings['triggers']): string {
  const lines = [
    `  people with ${describeStartRules(triggers)}`,
    ...triggers.bots.map((login) => `  the bot ${login}`),
  ];
  return ['who may start work', ...lines].join('\n');
}

function describeLimits({ repository, person }: RepoSettings['limits']): string | null {
  const lines = Object.entries({ repository, person }).flatMap(([whose, { jobs, costUsd, minutes }]) => {
    const parts = [
      jobs === undefined ? null : `${jobs} jobs`,
      costUsd === undefined ? null : `$${costUsd}`,
      minutes === undefined ? null : `${minutes} min`,
    ].filter((part) => part !== null);
    return parts.length === 0 ? [] : [`  ${whose.padEnd(11)} ${parts.join(', ')}`];
  });
  return lines.length === 0 ? null : ['limits a day', ...lines].join('\n');
}

function describePaths(settings: JobSettings): string {
  const { allowedPaths, protectedPaths = [], unprotectedPaths = [] } = settings;
  const { fakeSecretPaths = [], refusedWork = 'branch' } = settings;
  return [
    allowedPaths === undefined ? 'all that are not protected' : `only ${allowedPaths.join(', ')}`,
    ...(protectedPaths.length === 0 ? [] : [`protected ${protectedPaths.join(', ')}`]),
    ...(unprotectedPaths.length === 0 ? [] : [`not protected ${unprotectedPaths.join(', ')}`]),
    ...(fakeSecretPaths.length === 0 ? [] : [`made-up secrets in ${fakeSecretPaths.join(', ')}`]),
    `refused work: ${refusedWork}`,
  ].join('; ');
}

function describeCheckout({ lfs, submodules, sparse, partial }: Checkout): string {
  return [
    sparse === undefined ? 'all folders' : `only ${sparse.join(', ')}`,
    ...(lfs === true ? ['with Git LFS'] : []),
    ...(submodules === true ? ['with submodules'] : []),
    ...(partial === true ? ['contents of older commits stay away'] : []),
  ].join('; ');
}

function describeCommands(commands: readonly Command[] | null): string {
  if (commands === null) return 'what the runner finds';
  return commands.length === 0 ? 'none' : commands.map((command) => command.join(' ')).join('; ');
}
