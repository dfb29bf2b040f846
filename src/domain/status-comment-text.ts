import { Phase } from '../contract/attempt-result.ts';
import { describeCut } from './day-rest.ts';
import { formatCost, formatDuration, formatTime } from './figures-text.ts';
import { toOutcomeText, toPhaseText, toStateEmoji, toStateText } from './job-headline.ts';
import { isTerminal } from './job-lifecycle.ts';
import {
  ASKED_AGAIN_NOTICE,
  BESIDE_NOTICE,
  LIMIT_NOTICE,
  PICKED_NOTICE,
  WISH_NOTICE,
  SETTINGS_NOTICE,
  type Attempt,
  type Job,
  type JobEvent,
} from './job.ts';
import { explainWithheldLog } from './log-text.ts';
import { toRoundText } from './revision-text.ts';
import { toRunningText } from './running-text.ts';
import { toStatusFooter } from './status-footer-text.ts';
import { linkPullRequests, toCode, toInline, toQuote } from './markdown-escape.ts';

/** A job as the status comment shows it. */
export type ReportedJob = {
  job: Job;
  /** The newest one; `null` before the first. */
  attempt: Attempt | null;
  /** Those before it, the oldest first. */
  earlierAttempts: readonly Attempt[];
  events: JobEvent[];
  /** From 1; `null` when it doesn't wait in the queue. */
  queuePosition: number | null;
};

/** How much is shown; the next one is taken when a comment gets too long. */
const DETAILS = [
  { sections: 10, timeline: 20, earlier: 20 },
  { sections: 10, timeline: 0, earlier: 10 },
  { sections: 4, timeline: 0, earlier: 0 },
] as const;
type Detail = (typeof DETAILS)[number];

/** GitHub refuses comments of more than 65,536 characters. */
const MAX_CHARACTERS = 60_000;
const MAX_REASON_CHARACTERS = 2000;

/** With which every status comment begins, whatever its issue. */
export const STATUS_MARKER_BEGINNING = '<!-- yardmaster:status ';

/** The hidden mark by which the status comment of an issue is found again. It carries no authority: anyone may copy it. */
export function statusMarker(issue: { repositoryId: number; issueNumber: number }): string {
  return `${STATUS_MARKER_BEGINNING}repository=${issue.repositoryId} issue=${issue.issueNumber} -->`;
}

/**
 * The one comment that tells where all jobs of an issue stand: the newest job of each specialty in full, the others
 * folded. Begins with `marker`; at most 60,000 characters.
 */
export function toStatusComment({ marker, jobs }: { marker: string; jobs: readonly ReportedJob[] }): string {
  const newestFirst = jobs.toSorted((a, b) => b.job.createdAtMs - a.job.createdAtMs);
  const current = [
    ...new Map(
      newestFirst
        .filter((entry) => !isOverWithItsPullRequest(entry, newestFirst))
        .toReversed()
        .map((entry) => [entry.job.specialty, entry]),
    ).values(),
  ].toReversed();
  const earlier = newestFirst.filter((entry) => !current.includes(entry));
  const comments = DETAILS.map((detail) => toComment(marker, current, earlier, detail));
  return comments.find((comment) => comment.length <= MAX_CHARACTERS) ?? comments.at(-1) ?? marker;
}

/** What became of a pull request says more than a revision of it that came to nothing. */
function isOverWithItsPullRequest({ job }: ReportedJob, all: readonly ReportedJob[]): boolean {
  if (job.kind !== 'revise' || job.pullRequest !== null || !isTerminal(job.state)) return false;
  const number = job.revision?.pullRequest.number;
  return all.some(
    ({ job: other }) => other.pullRequest?.number === number && other.pullRequest?.ended !== undefined,
  );
}

function toComment(
  marker: string,
  current: readonly ReportedJob[],
  earlier: readonly ReportedJob[],
  detail: Detail,
): string {
  return [
    marker,
    ...current.slice(0, detail.sections).map((entry) => toSection(entry, detail)),
    toEarlierJobs([...current.slice(detail.sections), ...earlier], detail),
    '---',
    toStatusFooter(current),
  ]
    .filter((part) => part !== null)
    .join('\n\n');
}

function toSection(entry: ReportedJob, detail: Detail): string {
  const { job, attempt, events, queuePosition } = entry;
  return [
    `### ${toStateEmoji(job)} ${toInline(job.specialty, 50)}: ${toStateText(job, attempt)}`,
    toFactsLine(entry),
    toWaiting(job, queuePosition),
    toReason(job, attempt),
    toPullRequestEnd(job),
    toNotice(events, job),
    toCut(job, attempt),
    attempt === null ? null : toPhaseList(job, attempt, events),
    toLeftBranch(job, attempt),
    toEarlierAttempts(entry.earlierAttempts, detail),
    toTimeline(events, job, detail),
  ]
    .filter((part) => part !== null)
    .join('\n\n');
}

function toFactsLine({ job, attempt, earlierAttempts }: Omit<ReportedJob, 'queuePosition'>): string {
  const facts = [
    `Asked for by ${toCode(job.requestedBy, 100)}`,
    ...toWorkFacts({ attempt, earlierAttempts }),
    job.attemptNumber > 1 ? `attempt ${job.attemptNumber}` : null,
    toCheckRunLink(attempt),
    toPullRequestFact(job),
  ];
  return facts.filter((fact) => fact !== null).join(' · ');
}

/** With the end of the log, once the attempt is over and everybody may see it. */
function toCheckRunLink(attempt: Attempt | null): string | null {
  if (attempt?.checkRun == null) return null;
  const hasLog = attempt.result !== null && explainWithheldLog(attempt.result) === null;
  return `[check run${hasLog ? ' and log' : ''}](${attempt.checkRun.url})`;
}

/** Who works on it and for how much, as Markdown: runner, agent, model and cost, as far as they are known. */
export function toWorkFacts({
  attempt,
  earlierAttempts,
}: Pick<ReportedJob, 'attempt' | 'earlierAttempts'>): string[] {
  const agent = (attempt?.result ?? attempt?.progress)?.agent;
  const facts = [
    attempt?.runner == null ? null : `runner ${toCode(attempt.runner.name, 100)}`,
    agent === undefined ? null : `agent ${toCode(agent.name, 100)}`,
    agent?.model == null ? null : `model ${toCode(agent.model, 100)}`,
    toCost(attempt, earlierAttempts),
  ];
  return facts.filter((fact) => fact !== null);
}

function toPullRequestFact({ revision, pullRequest }: Job): string | null {
  if (revision !== null) return toRoundText(revision);
  return pullRequest === null ? null : `[pull request #${pullRequest.number}](${pullRequest.url})`;
}

/** Of all attempts that told it. What is at work may not know yet what it costs, which is no news. */
function toCost(attempt: Attempt | null, earlier: readonly Attempt[]): string | null {
  const isOver = attempt?.result != null;
  const told = [...earlier, ...(attempt === null ? [] : [attempt])].flatMap(({ result, progress }) => {
    const usage = (result ?? progress)?.usage;
    return usage === undefined || (result === null && usage.costUsd === null) ? [] : [usage.costUsd];
  });
  if (told.length === 0) return null;
  const known = told.filter((cost) => cost !== null);
  const sum = known.length === 0 ? null : known.reduce((all, cost) => all + cost, 0);
  return `cost${isOver ? '' : ' so far'} ${formatCost(sum)}`;
}

function toWaiting(job: Job, queuePosition: number | null): string | null {
  if (job.state !== 'queued') return null;
  const place = queuePosition === null ? null : `Place ${queuePosition} in the queue.`;
  const later = job.runAtMs > job.updatedAtMs ? `Not before ${formatTime(job.runAtMs)}.` : null;
  const known = [place, later].filter((part) => part !== null);
  return known.length === 0 ? null : known.join(' ');
}

/** Why it waits or how it ended; the runner's reason beside the coordinator's when they differ. */
function toReason({ state, stateReason, repository }: Job, attempt: Attempt | null): string | null {
  const told = isTerminal(state) && state !== 'cancelled' ? attempt?.result?.reason : undefined;
  const reasons = [...new Set([stateReason, told])].filter((reason) => reason != null && reason !== '');
  if (reasons.length === 0) return null;
  const reason = toQuote(reasons.join('\n'), MAX_REASON_CHARACTERS);
  // Of work that never began, all of it is our own.
  return state === 'refused' ? linkPullRequests(reason, repository.htmlUrl) : reason;
}

function toPullRequestEnd({ pullRequest }: Job): string | null {
  if (pullRequest?.ended === undefined) return null;
  const { how, by, atMs } = pullRequest.ended;
  return `${how === 'merged' ? 'Merged' : 'Closed'}${by === null ? '' : ` by ${toCode(by, 100)}`} at ${formatTime(atMs)}.`;
}

/** What people should do something about: mistakes in the settings, limits that are nearly used up, wishes that GitHub did not grant. */
function toNotice(events: readonly JobEvent[], { pullRequest, repository }: Job): string | null {
  const askedAgain = events.findLast(({ kind }) => kind === ASKED_AGAIN_NOTICE);
  const notices = events.flatMap(({ kind, text }) => {
    if (kind === SETTINGS_NOTICE)
      return [`⚠️ Please mend the settings:\n\n${toQuote(text, MAX_REASON_CHARACTERS)}`];
    if (kind === PICKED_NOTICE) return [`🧭 ${toInline(text, 500)}.`];
    if (kind === BESIDE_NOTICE) return [linkPullRequests(`ℹ️ ${toInline(text, 500)}.`, repository.htmlUrl)];
    return kind === LIMIT_NOTICE || kind === WISH_NOTICE ? [`⚠️ ${toInline(text, 300)}`] : [];
  });
  if (askedAgain !== undefined && pullRequest?.ended === undefined)
    notices.push(linkPullRequests(`⚠️ ${toInline(askedAgain.text, 500)}`, repository.htmlUrl));
  return notices.length === 0 ? null : notices.join('\n\n');
}

/** Also once it is over: it may be why the work is a draft. */
function toCut(job: Job, attempt: Attempt | null): string | null {
  const cut = describeCut(job, attempt);
  return cut === null ? null : `⚠️ ${toInline(cut, 300)}`;
}

function toPhaseList(job: Job, attempt: Attempt, events: readonly JobEvent[]): string | null {
  const { phase, result, outcome } = attempt;
  if (phase === null && result === null) return null;
  const reached = phase === null ? -1 : Phase.options.indexOf(phase);
  const isOver = isTerminal(job.state) || outcome !== null;
  return Phase.options
    .map((name, index) => {
      const durationMs = result?.phaseMs[name];
      if (durationMs !== undefined)
        return `- ${toEndSign(name, result)} ${name} (${formatDuration(durationMs)})`;
      if (index < reached) return `- ✅ ${name}${toTook(name, attempt, events)}`;
      if (index === reached) return `- ${isOver ? '⏹️' : '▶️'} ${name}`;
      return `- ▫️ ${name}`;
    })
    .join('\n');
}

/** How long a phase took that is over, as long as its runner has not told it: from when the next one was heard of. */
function toTook(name: Phase, { acceptedAtMs }: Attempt, events: readonly JobEvent[]): string {
  const begun = events.filter(({ kind, atMs }) => kind === 'phase' && atMs >= (acceptedAtMs ?? Infinity));
  const at = begun.findIndex(({ text }) => text === toPhaseText(name));
  const [from, to] = [begun[at], begun[at + 1]];
  return from === undefined || to === undefined ? '' : ` (${formatDuration(to.atMs - from.atMs)})`;
}

/** Red tests and broken rules are found in `verify`, though the work is pushed after it; all else ends with the phase it happens in. */
function toEndSign(name: Phase, result: Attempt['result']): string {
  if (result === null || result.outcome === 'pull_request') return '✅';
  const isFoundBefore =
    result.outcome === 'tests_failed' || (result.outcome === 'policy_refused' && result.headCommit !== null);
  if (isFoundBefore) return name === 'verify' ? '❌' : '✅';
  const last = Phase.options.findLast((phase) => result.phaseMs[phase] !== undefined);
  return name === last ? '⏹️' : '✅';
}

/** Work that was pushed but led to no pull request is not lost, and people should know where it is. Of work that was not accepted, the reason names the branch. */
function toLeftBranch(job: Job, attempt: Attempt | null): string | null {
  const isLeft = isTerminal(job.state) && job.pullRequest === null && job.state !== 'succeeded';
  if (!isLeft || attempt?.result?.headCommit == null) return null;
  const path = encodeURIComponent(job.branch)
    .replaceAll('%2F', '/')
    .replaceAll('(', '%28')
    .replaceAll(')', '%29');
  const url = `${job.repository.htmlUrl}/tree/${path}`;
  if (attempt.result.outcome === 'policy_refused') return `[Look at the branch](${url}).`;
  return `What the agent did so far is on the branch [${toInline(job.branch, 200)}](${url}).`;
}

function toEarlierAttempts(attempts: readonly Attempt[], { earlier }: Detail): string | null {
  if (attempts.length === 0 || earlier === 0) return null;
  const lines = attempts.slice(-earlier).map((attempt) => {
    const { number, outcome, runner, result } = attempt;
    const took = Object.values(result?.phaseMs ?? {}).reduce((sum, ms) => sum + ms, 0);
    const facts = [
      `attempt ${number}: ${outcome === null ? 'not over' : toOutcomeText(outcome)}`,
      runner === null ? null : `runner ${toCode(runner.name, 100)}`,
      took === 0 ? null : formatDuration(took),
      result === null ? null : formatCost(result.usage.costUsd),
      toCheckRunLink(attempt),
      result === null || result.reason === '' ? null : toInline(result.reason, 300),
    ];
    return `- ${facts.filter((fact) => fact !== null).join(' · ')}`;
  });
  const hidden = attempts.length > lines.length ? [`- … ${attempts.length - lines.length} more before`] : [];
  return toFolded(`Earlier attempts (${attempts.length})`, [...hidden, ...lines]);
}

function toTimeline(events: readonly JobEvent[], { pullRequest }: Job, { timeline }: Detail): string | null {
  if (events.length === 0 || timeline === 0) return null;
  const lines = events
    .slice(-timeline)
    .map(({ atMs, text }) => `- ${formatTime(atMs)} ${toEventText(text, pullRequest?.url ?? null)}`);
  const hidden = events.length > timeline ? [`- … ${events.length - timeline} more before`] : [];
  return toFolded(`Timeline (${events.length})`, [...hidden, ...lines]);
}

/** The address of the work's own pull request is GitHub's word, and stays one that can be followed; others do not. */
function toEventText(text: string, url: string | null): string {
  if (url === null || !text.endsWith(` ${url}`)) return toInline(toRunningText(text), 300);
  return `${toInline(text.slice(0, -url.length), 300)} ${url}`;
}

function toEarlierJobs(entries: readonly ReportedJob[], { earlier }: Detail): string | null {
  if (entries.length === 0 || earlier === 0) return null;
  const lines = entries.slice(0, earlier).map((entry) => {
    const { job, attempt } = entry;
    const state = `${toStateEmoji(job)} ${toInline(job.specialty, 50)}: ${toStateText(job, attempt)}`;
    return `- ${state} (${formatTime(job.createdAtMs)}) · ${toFactsLine(entry)}`;
  });
  const hidden = entries.length > earlier ? [`- … ${entries.length - earlier} more`] : [];
  return toFolded(`Earlier jobs (${entries.length})`, [...lines, ...hidden]);
}

function toFolded(summary: string, lines: readonly string[]): string {
  return `<details><summary>${summary}</summary>\n\n${lines.join('\n')}\n\n</details>`;
}
