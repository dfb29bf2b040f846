import { isTerminal } from './job-lifecycle.ts';
import type { Attempt, Job } from './job.ts';
import { toCode } from './markdown-escape.ts';
import { BEGINS_ANEW } from './spending.ts';
import { toWayOn } from './way-on.ts';

/** Where the newest job of a specialty stands. */
type FooterJob = { job: Job; attempt: Attempt | null };

/** What people can do next, a line for each kind of job. Markdown. */
export function toStatusFooter(current: readonly FooterJob[]): string {
  const live = current.filter(({ job }) => !isTerminal(job.state));
  const over = current.filter(({ job }) => isTerminal(job.state) && job.state !== 'succeeded');
  const ended = over.filter(({ job }) => job.kind === 'resolve');
  const refused = ended.filter(({ job }) => job.state === 'refused');
  // As the limits of a day say it.
  const isForToday = ({ job }: FooterJob): boolean => job.stateReason?.includes(BEGINS_ANEW) === true;
  const revised = over.find(({ job }) => job.kind === 'revise')?.job.revision ?? null;
  const open = current.flatMap(({ job: { pullRequest } }) =>
    pullRequest === null || pullRequest.ended ? [] : [pullRequest],
  );
  const waits = live.some(({ job }) => job.state === 'queued');
  const held = live.filter(
    ({ job: { state, stateReason } }) => state === 'held' && stateReason?.includes('/agent unhold') !== true,
  );
  const lines = [
    live.length === 0
      ? null
      : `To cancel, write ${toCommands('cancel', live)}${toLabelWay(', remove', live)}, or close the issue.${waits ? ' `/agent why` tells what it waits for.' : ''}`,
    held.length === 0 ? null : `To let it go on, write ${toCommands('unhold', held)}.`,
    toRetry(
      'To try again',
      ended.filter((entry) => !refused.includes(entry)),
    ),
    ...toWaysOn(ended),
    // A second try before that would be refused once more.
    toRetry(
      'Once that is settled',
      refused.filter((entry) => !isForToday(entry)),
    ),
    toRetry('From 00:00 UTC on', refused.filter(isForToday)),
    revised === null
      ? null
      : `Pull request #${revised.pullRequest.number} is as it was. To try again, write \`/agent retry\` here, or \`/agent fix <instructions>\` on it.`,
    toReviewWords(open),
    live.length + over.length + open.length === 0 ? toLastWords(current) : null,
  ];
  return lines.filter((line) => line !== null).join('\n');
}

function toRetry(when: string, entries: readonly FooterJob[]): string | null {
  if (entries.length === 0) return null;
  const again = hasLabel(entries) ? ' and add it again' : '';
  return `${when}, write ${toCommands('retry', entries)}${toLabelWay(', or remove', entries)}${again}.`;
}

/** Each once, whatever the number of jobs. */
function toWaysOn(entries: readonly FooterJob[]): string[] {
  const ways = entries.flatMap(({ job, attempt }) =>
    attempt?.result == null ? [] : [toWayOn(job.specialty, attempt.result)],
  );
  return [...new Set(ways.filter((way) => way !== null))];
}

function toReviewWords(open: readonly { number: number; url: string }[]): string | null {
  if (open.length === 0) return null;
  const links = open.map(({ number, url }) => `[pull request #${number}](${url})`);
  const [what, which] = open.length === 1 ? ['it if it is good', 'it'] : ['what is good', 'one of them'];
  return `Review ${links.join(' and ')}, and merge ${what}. To have ${which} changed, choose *Request changes* there, or write \`/agent fix <what to change>\` on it.`;
}

function toCommands(name: 'cancel' | 'retry' | 'unhold', entries: readonly FooterJob[]): string {
  return entries.map(({ job }) => toCode(`/agent ${name} ${job.specialty}`, 100)).join(' or ');
}

function hasLabel(entries: readonly FooterJob[]): boolean {
  return entries.some(({ job }) => job.label !== null);
}

/** Nothing where no label stands for the work. */
function toLabelWay(beginning: string, entries: readonly FooterJob[]): string {
  const labels = entries.flatMap(({ job }) => (job.label === null ? [] : [toCode(job.label, 100)]));
  return labels.length === 0 ? '' : `${beginning} the label ${[...new Set(labels)].join(' or ')}`;
}

/** What is left to do when all has gone well so far, and no pull request is open. */
function toLastWords(current: readonly FooterJob[]): string {
  const ends = current.map(({ job }) => job.pullRequest?.ended?.how);
  if (ends.includes(undefined)) return 'Review the pull request once it is open.';
  const closed = current.filter(({ job }) => job.pullRequest?.ended?.how === 'closed');
  if (closed.length === 0) return 'All of it was merged; nothing is left to do here.';
  const commands = closed.map(({ job }) => toCode(`/agent run ${job.specialty}`, 100));
  return `To have it done anew, write ${commands.join(' or ')}.`;
}
