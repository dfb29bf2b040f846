import { type Cell, plain, toTable } from '../lib/terminal-table.ts';

/** What `describeRecovery` reads of a plan. */
type Target = { repository: { owner: string; name: string } };
export type DescribedPlan = {
  repositories: readonly Target[];
  jobs: readonly {
    target: Target;
    kind: 'again' | 'goes_on' | 'linked' | 'published' | 'ended';
    reason: string;
    facts: { id: string; specialty: string; branch: string };
    issue: { number: number } | null;
  }[];
  strays: readonly { target: Target; branch: string }[];
  notBelieved: readonly { target: Target; issueNumber: number }[];
};

const WORDS = {
  again: 'begin again',
  goes_on: 'let go on',
  linked: 'link',
  published: 'know',
  ended: 'end',
} as const;

/** The plan as a table, and what can't be rebuilt with what to do about it. */
export function describeRecovery(plan: DescribedPlan, isDryRun: boolean): string {
  const rows = [
    ...plan.jobs.map(({ target, kind, reason, facts, issue }): Cell[] => [
      WORDS[kind],
      facts.id.slice(-8),
      `${nameOf(target)}#${issue?.number ?? '?'}`,
      facts.specialty,
      facts.branch,
      reason,
    ]),
    ...plan.strays.map(({ target, branch }): Cell[] => [
      'remove',
      '',
      nameOf(target),
      '',
      branch,
      'a branch of an attempt that no comment tells of',
    ]),
  ];
  const table =
    rows.length === 0
      ? 'GitHub knows of no job that was under way.'
      : toTable([['WHAT', 'JOB', 'ISSUE', 'SPECIALTY', 'BRANCH', 'WHY'], ...rows]);
  const count = plan.repositories.length;
  return [
    `Looked through ${count} ${count === 1 ? 'repository' : 'repositories'}.`,
    table,
    ...plan.notBelieved.map(
      ({ target, issueNumber }) =>
        `Not believed: the status comment of ${plain(nameOf(target))}#${issueNumber} bears no mark of this coordinator. If a job was under way there, remove its label and add it again.`,
    ),
    [
      'What GitHub does not know is lost: runners and their keys, logs, the history of finished jobs, webhooks that were not handled.',
      '- Start the coordinator (“yardmaster serve”): it puts check runs, branches and comments right, and looks for labels that nobody has told it of.',
      '- Let every runner in anew: “yardmaster runner token”, then “yardmaster runner enroll” on its machine. Until then jobs wait.',
      '- Runners that only reach GitHub and have a job are known again with it; the others: “yardmaster runner enroll-github”.',
    ].join('\n'),
    isDryRun ? 'Nothing was changed. Without --dry-run it is done.' : null,
  ]
    .filter((part) => part !== null)
    .join('\n\n');
}

function nameOf({ repository }: Target): string {
  return `${repository.owner}/${repository.name}`;
}
