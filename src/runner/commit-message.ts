import type { JobSpec } from '../contract/job.ts';
import { breakSkipMarks } from '../domain/skip-marks.ts';
import { stripControl } from '../lib/strip-control.ts';

const MAX_SUBJECT = 72;

/**
 * The message of the one commit that is pushed: subject from the issue, and trailers that tell who did what for whom. The title is
 * hostile text: in a commit that reaches the default branch, `fixes #5` would close issue 5, `@name` ping somebody, and
 * `[skip ci]` keep the checks from running.
 */
export function toCommitMessage(options: { spec: JobSpec; runnerName: string; agentName: string }): string {
  const { spec } = options;
  const person = toTrailerValue(spec.requestedBy);
  return [
    toSubject(spec.issue.title, spec.issue.number),
    '',
    `For issue #${spec.issue.number}.`,
    '',
    `Yardmaster-Job: ${spec.jobId}`,
    `Yardmaster-Runner: ${toTrailerValue(options.runnerName)}`,
    `Yardmaster-Agent: ${toTrailerValue(options.agentName)}`,
    `Co-authored-by: ${person} <${person}@users.noreply.github.com>`,
    '',
  ].join('\n');
}

function toSubject(title: string, issueNumber: number): string {
  const plain = stripControl(title)
    .replace(/https?:\/\/\S+/gi, '')
    .replace(/[@#<>]/g, '')
    .replace(/\bGH-(?=\d)/gi, 'GH ')
    .replace(/\s+/g, ' ')
    .trim();
  if (plain === '') return `Work on issue ${issueNumber}`;
  const subject = plain.length <= MAX_SUBJECT ? plain : `${plain.slice(0, MAX_SUBJECT - 1).trimEnd()}…`;
  return breakSkipMarks(subject);
}

/** One line, without what would end the name or the address of a trailer. */
function toTrailerValue(text: string): string {
  return stripControl(text)
    .replace(/[<>\s]+/g, ' ')
    .trim();
}
