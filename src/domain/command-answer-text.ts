import { COMMANDS, type CommandName } from './command-grammar.ts';
import type { Topic } from './decide-commands.ts';
import { type ButtonName, toButtonLabel } from './check-run-buttons.ts';
import { formatCost } from './figures-text.ts';
import { toStateEmoji, toStateText } from './job-headline.ts';
import type { Job, RunnerView } from './job.ts';
import { toCode, toInline, toTable } from './markdown-escape.ts';
import { toRoundText } from './revision-text.ts';
import { toRunnerState } from './runner-state-text.ts';
import type { MonthlySpending } from './spending.ts';
import { type ReportedJob, toWorkFacts } from './status-comment-text.ts';
import { toWhyAnswer, type WhyFacts } from './why-text.ts';

const MAX_RUNNERS = 50;
const MAX_SPECIALTIES = 30;

/** A refusal, for the person who wrote the command. `reason` is Markdown that is safe to show. */
export function toRefusalAnswer(refusal: { marker: string; reason: string }): string {
  return `${refusal.marker}\n\n😕 ${refusal.reason}\n\n\`/agent help\` lists all commands.`;
}

/** Why a button did nothing, for the person who pressed it. `reason` is Markdown that is safe to show. */
export function toPressAnswer(refusal: {
  marker: string;
  sender: string;
  button: ButtonName;
  checkRunUrl: string | null;
  reason: string;
}): string {
  const { marker, sender, button, checkRunUrl, reason } = refusal;
  const where = checkRunUrl === null ? 'a check run' : `a [check run](${checkRunUrl})`;
  const who = `${toCode(sender, 100)} pressed **${toButtonLabel(button)}** on ${where}, and nothing was done.`;
  return `${marker}\n\n😕 ${who}\n\n${reason}`;
}

/** What the answers to questions are made from. */
export type AnswerFacts = {
  /** Of the issue, the newest first. */
  jobs: readonly ReportedJob[];
  /** Address of the status comment, if there is one. */
  statusUrl: string | null;
  runners: readonly RunnerView[];
  nowMs: number;
  /** Of the repository, by specialty; read only for `status`. */
  month: readonly MonthlySpending[] | null;
  /** Read only for `why`. */
  why: WhyFacts | null;
};

/** One comment for everything that was asked. Begins with `marker`. */
export function toTopicsAnswer(wanted: {
  marker: string;
  topics: readonly Topic[];
  facts: AnswerFacts;
}): string {
  const sections = [...new Set(wanted.topics)].map((topic) => toSection(topic, wanted.facts));
  return [wanted.marker, ...sections].join('\n\n');
}

function toSection(topic: Topic, facts: AnswerFacts): string {
  switch (topic) {
    case 'status':
      return toStatus(facts);
    case 'why':
      return toWhy(facts);
    case 'runners':
      return toRunners(facts);
    case 'help':
      return toHelp();
    default:
      return topic satisfies never;
  }
}

function toHelp(): string {
  const rows = (Object.keys(COMMANDS) as CommandName[]).map((name) => {
    const { usage, about, needs } = COMMANDS[name];
    return [`\`${usage}\``, about, needs];
  });
  return [
    toTable(['Command', 'What it does', 'Access it needs'], rows),
    'A command stands at the start of a line, in a new comment; not in quotes, lists, code or edits. With a mistake in one line, nothing of the comment is done.',
  ].join('\n\n');
}

function toStatus({ jobs, statusUrl, month }: AnswerFacts): string {
  const current = newestOfEach(jobs);
  if (current.length === 0)
    return [
      'No work was asked for on this issue yet. To start it, write `/agent run`. `/agent help` lists all commands.',
      toMonth(month ?? []),
    ]
      .filter((part) => part !== null)
      .join('\n\n');
  const lines = current.map(
    ({ job, attempt, earlierAttempts, queuePosition }) =>
      `- ${[
        `${toStateEmoji(job)} **${toInline(job.specialty, 50)}**: ${toStateText(job, attempt)}`,
        queuePosition === null ? null : `place ${queuePosition} in the queue`,
        ...toWorkFacts({ attempt, earlierAttempts }),
        attempt?.checkRun == null ? null : `[check run](${attempt.checkRun.url})`,
        toPullRequest(job),
      ]
        .filter((part) => part !== null)
        .join(' · ')}`,
  );
  return [
    lines.join('\n'),
    statusUrl === null ? null : `More is in the [status comment](${statusUrl}).`,
    toMonth(month ?? []),
  ]
    .filter((part) => part !== null)
    .join('\n\n');
}

function toPullRequest({ revision, pullRequest }: Job): string | null {
  if (revision !== null) return toRoundText(revision);
  return pullRequest === null ? null : `[pull request](${pullRequest.url})`;
}

/** What the repository has used up; `null` where that is nothing. */
function toMonth(month: readonly MonthlySpending[]): string | null {
  if (month.length === 0) return null;
  const rows = month
    .slice(0, MAX_SPECIALTIES)
    .map(({ specialty, jobs, pullRequests, costUsd, minutes }) => [
      toCode(specialty, 50),
      String(jobs),
      String(pullRequests),
      formatCost(costUsd),
      String(Math.round(minutes)),
    ]);
  const table = toTable(['Specialty', 'Jobs', 'Pull requests', 'Cost', 'Minutes'], rows);
  return `<details><summary>This month in the repository (UTC)</summary>\n\n${table}\n\n</details>`;
}

function toRunners({ runners }: AnswerFacts): string {
  const registered = runners.filter((runner) => runner.state !== 'revoked');
  if (registered.length === 0)
    return 'No runner is registered yet: enrol one with `yardmaster runner enroll`.';
  const rows = registered
    .slice(0, MAX_RUNNERS)
    .map((runner) => [
      toCode(runner.name, 100),
      runner.specialties.map((specialty) => toCode(specialty, 50)).join(', '),
      toRunnerState(runner),
      `${runner.active} of ${runner.capacity}`,
    ]);
  const more = registered.length - rows.length;
  const table = toTable(['Runner', 'Specialties', 'State', 'Slots taken'], rows);
  return more > 0 ? `${table}\n\n… and ${more} more.` : table;
}

function toWhy({ jobs, runners, nowMs, why }: AnswerFacts): string {
  if (why === null) throw new Error('Nothing was read for the question why');
  return toWhyAnswer({ current: newestOfEach(jobs), runners, nowMs }, why);
}

function newestOfEach(jobs: readonly ReportedJob[]): ReportedJob[] {
  return jobs.filter(
    (entry, at) => jobs.findIndex(({ job }) => job.specialty === entry.job.specialty) === at,
  );
}
