import { isTerminal } from './job-lifecycle.ts';
import type { Job } from './job.ts';
import { toCode } from './markdown-escape.ts';

/** Where the newest job of a specialty stands. */
type FooterJob = { job: Job };

/** What people can do next, a line for each kind of job. Markdown. */
export function toStatusFooter(current: readonly FooterJob[]): string {
  const live = current.filter(({ job }) => !isTerminal(job.state));
  const over = current.filter(({ job }) => isTerminal(job.state) && job.state !== 'succeeded');
  const isRefused = ({ job }: FooterJob): boolean => job.state === 'refused';
  const ended = over.filter(({ job }) => job.kind === 'resolve');
  const revised = over.find(({ job }) => job.kind === 'revise')?.job.revision ?? null;
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
      ended.filter((entry) => !isRefused(entry)),
    ),
    // A second try before that would be refused once more.
    toRetry('Once that is settled', ended.filter(isRefused)),
    revised === null
      ? null
      : `Pull request #${revised.pullRequest.number} is as it was. To try again, write \`/agent retry\` here, or \`/agent fix <instructions>\` on it.`,
    live.length + over.length === 0 ? toLastWords(current) : null,
  ];
  return lines.filter((line) => line !== null).join('\n');
}

function toRetry(when: string, entries: readonly FooterJob[]): string | null {
  if (entries.length === 0) return null;
  const again = hasLabel(entries) ? ' and add it again' : '';
  return `${when}, write ${toCommands('retry', entries)}${toLabelWay(', or remove', entries)}${again}.`;
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

/** What is left to do when all has gone well so far. */
function toLastWords(current: readonly FooterJob[]): string {
  const ends = current.map(({ job }) => job.pullRequest?.ended?.how);
  if (ends.includes(undefined)) return 'Review the pull request, and merge it if it is good.';
  const closed = current.filter(({ job }) => job.pullRequest?.ended?.how === 'closed');
  if (closed.length === 0) return 'All of it was merged; nothing is left to do here.';
  const commands = closed.map(({ job }) => toCode(`/agent run ${job.specialty}`, 100));
  return `To have it done anew, write ${commands.join(' or ')}.`;
}
