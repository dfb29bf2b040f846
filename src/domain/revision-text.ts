import type { RevisionCause } from '../contract/revision.ts';
import type { Attempt, Job, JobRevision } from './job.ts';
import { toInline, toQuote } from './markdown-escape.ts';

const MAX_ANSWER_CHARACTERS = 2000;
const MAX_REASON_CHARACTERS = 2000;

const CAUSES: Record<RevisionCause, string> = {
  asked: 'asked for by a command',
  review: 'after a review',
  conflict: 'to resolve conflicts with its base branch',
  checks: 'after a failed check',
};

/** Which revision it is and why there is one: `round 2 on pull request #7, after a review`. Markdown. */
export function toRoundText({ round, cause, pullRequest }: JobRevision): string {
  return `round ${round} on [pull request #${pullRequest.number}](${pullRequest.url}), ${CAUSES[cause]}`;
}

/** What a pull request is told of commands in the text of a review that no webhook told of. Markdown. */
export function toLateReviewText(login: string): string {
  return `😕 I found the review by ${toInline(login, 100)} late, and GitHub does not tell me whether its text was changed since. So I don’t follow the commands in it: write them in a comment here.`;
}

/** The hidden mark by which the answer to a thread is found again. */
export function threadMarker(job: Pick<Job, 'id'>, threadId: number): string {
  return `<!-- yardmaster:thread job=${job.id} thread=${threadId} -->`;
}

const LATER_MARKER_BEGINNING = '<!-- yardmaster:thread-later ';

/** The hidden mark by which it is found again that a thread was told to come with the next revision. */
export function laterMarker(threadId: number): string {
  return `${LATER_MARKER_BEGINNING}thread=${threadId} -->`;
}

/** Whether a comment of ours only says that its thread comes later: that is no answer. */
export function isLaterNote(body: string): boolean {
  return body.startsWith(LATER_MARKER_BEGINNING);
}

/**
 * Threads that have to come with the next revision, by their ids, since there was no room for them. `goesOn`: that one begins by itself;
 * where the agent was told of none at all, it would be told of none again.
 */
export function findLaterThreads({ job, attempt }: { job: Job; attempt: Attempt }): {
  threadIds: number[];
  goesOn: boolean;
} {
  const { threads = [], laterThreads = [] } = job.revision ?? {};
  const told = attempt.result?.toldThreads;
  const untold = threads.flatMap(({ id }) => (told === undefined || told.includes(id) ? [] : [id]));
  return { threadIds: [...untold, ...laterThreads], goesOn: untold.length < threads.length };
}

/** What a thread is told that comes with the next revision. Markdown, without marks. */
export function toLaterText({ round }: Pick<JobRevision, 'round'>, goesOn: boolean): string {
  const why = `Round ${round} had no room for this comment`;
  return goesOn
    ? `⏳ ${why}; the next round takes it, and begins by itself.`
    : `😕 ${why}: it is too long for the agent. Say it shorter, then write \`/agent fix\` in a comment on the pull request.`;
}

/**
 * What each thread of a review that the agent was told of is answered once the work is on the branch, in the agent's words where it has any.
 * Markdown, without marks.
 */
export function toThreadAnswers({ job, attempt }: { job: Job; attempt: Attempt }): {
  threadId: number;
  body: string;
}[] {
  const { revision } = job;
  const commit = attempt.result?.headCommit;
  if (revision === null || commit == null) return [];
  const said = parseAnswers(attempt.result?.summary ?? '');
  const later = new Set(findLaterThreads({ job, attempt }).threadIds);
  const where = `Round ${revision.round} is in [\`${commit.slice(0, 7)}\`](${job.repository.htmlUrl}/commit/${commit}).`;
  return revision.threads.flatMap(({ id: threadId }, index) => {
    if (later.has(threadId)) return [];
    const words = said.get(index + 1);
    const body =
      words === undefined
        ? `${where} The agent gave no separate answer here; its summary is in the description of the pull request.`
        : `${where} What the agent says:\n\n${toQuote(words, MAX_ANSWER_CHARACTERS)}`;
    return { threadId, body };
  });
}

/** Lines such as `Comment 2: renamed it`, as agents are told to write them. */
function parseAnswers(summary: string): Map<number, string> {
  const lines = summary.split('\n').flatMap((line) => {
    const match =
      /^[\s>*_#-]{0,8}comment\s{1,3}#?(\d{1,3})[*_]{0,3}\s{0,3}[:.–—-][*_]{0,3}(.{1,4000})$/i.exec(line);
    const words = match?.[2]?.trim() ?? '';
    return words === '' ? [] : [[Number(match?.[1]), words] as const];
  });
  return new Map(lines);
}

/** The hidden mark by which something that is said once is found again. */
export function noteMarker(key: string): string {
  return `<!-- yardmaster:note ${key} -->`;
}

/**
 * What people on the pull request are told of a round that came to nothing. `reason` is others' words. `unconfirmed`: a commit that a runner was
 * about to push when it was last heard of.
 */
export function toFailedRoundText(
  { revision, specialty }: Pick<Job, 'revision' | 'specialty'>,
  reason: string,
  unconfirmed: string | null,
): string {
  const branch =
    unconfirmed === null
      ? '; the branch is as it was.'
      : `, and its runner was lost while it pushed ${unconfirmed}. If that commit is on the branch, its tests were not reported: look at it before you merge.`;
  return [
    `😕 Round ${revision?.round ?? 1} (${toInline(specialty, 50)}) came to nothing${branch}`,
    toQuote(reason, MAX_REASON_CHARACTERS),
    '`/agent retry` tries the same once more, `/agent fix <instructions>` asks for something else.',
  ].join('\n\n');
}

/** What people are told when nothing more is done without them. `reason` is Markdown that is safe to show. */
export function toNeedsHumanText(reason: string): string {
  return `🙋 ${reason} Please review it; \`/agent fix <instructions>\` starts me again.`;
}

/** Why nothing comes of a review right now. `reason` is Markdown that is safe to show. */
export function toReviewRefusalText(reason: string): string {
  return `😕 This review is not worked on now. ${reason}`;
}

/** What whoever wrote a review is told while a round is under way. */
export function toReviewWaitsText(): string {
  return '👀 This review is worked on in the next round, which begins when the one under way is over; nobody has to ask again. `/agent cancel` stops both.';
}
