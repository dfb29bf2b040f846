import type { RevisionCause } from '../contract/job.ts';
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

/** The hidden mark by which the answer to a thread is found again. */
export function threadMarker(job: Pick<Job, 'id'>, threadId: number): string {
  return `<!-- yardmaster:thread job=${job.id} thread=${threadId} -->`;
}

/** What each thread of a review is answered once the work is on the branch, in the agent's words where it has any. Markdown, without marks. */
export function toThreadAnswers({ job, attempt }: { job: Job; attempt: Attempt }): {
  threadId: number;
  body: string;
}[] {
  const { revision } = job;
  const commit = attempt.result?.headCommit;
  if (revision === null || commit == null) return [];
  const said = parseAnswers(attempt.result?.summary ?? '');
  const where = `Round ${revision.round} is in [\`${commit.slice(0, 7)}\`](${job.repository.htmlUrl}/commit/${commit}).`;
  return revision.threads.map(({ id: threadId }, index) => {
    const words = said.get(index + 1);
    const body =
      words === undefined
        ? `${where} The agent says nothing about this comment by itself; what it says about all of them is in the text of the pull request.`
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
      ? 'the branch is as it was.'
      : `but its runner was lost while it pushed ${unconfirmed}. If the branch stands there, nobody has told what the tests say of it.`;
  return [
    `😕 Round ${revision?.round ?? 1} (${toInline(specialty, 50)}) came to nothing; ${branch}`,
    toQuote(reason, MAX_REASON_CHARACTERS),
    '`/agent retry` tries the same once more, `/agent fix <instructions>` asks for something else.',
  ].join('\n\n');
}

/** What people are told when nothing more is done without them. `reason` is Markdown that is safe to show. */
export function toNeedsHumanText(reason: string): string {
  return `🙋 A person has to look at this. ${reason} Nothing more is done by itself: \`/agent fix <instructions>\` begins anew.`;
}

/** Why nothing comes of a review right now. `reason` is Markdown that is safe to show. */
export function toReviewRefusalText(reason: string): string {
  return `😕 This review is not worked on now. ${reason}`;
}
