import type { JobSpec } from '../contract/job.ts';
import type { Revision } from '../contract/revision.ts';
import { toNoreplyAddress } from '../domain/noreply-address.ts';
import { breakSkipMarks } from '../domain/skip-marks.ts';
import { stripControl } from '../lib/strip-control.ts';

const MAX_SUBJECT = 72;
const MAX_BODY = 2000;
const BODY_WIDTH = 72;
const ZERO_WIDTH_SPACE = '\u200B';

/**
 * The message of the one commit that is pushed: subject from the issue, body from what the agent says of its work, and trailers that
 * tell who did what for whom. Title and summary are hostile text: in a commit that reaches the default branch, `fixes #5` would close
 * issue 5, `@name` ping somebody, `[skip ci]` keep the checks from running, and `Signed-off-by:` speak for another.
 */
export function toCommitMessage(options: {
  spec: JobSpec;
  runnerName: string;
  agentName: string;
  /** The agent's own words. */
  summary: string;
}): string {
  const { spec } = options;
  const person = toTrailerValue(spec.requestedBy);
  // By which GitHub knows the person; without the number only those who came before 2017 are known.
  const account = spec.requestedById === undefined ? person : `${spec.requestedById}+${person}`;
  const body = toBody(options.summary);
  return [
    toSubject(spec),
    '',
    ...(body === '' ? [] : [body, '']),
    `For issue #${spec.issue.number}.`,
    '',
    `Yardmaster-Job: ${spec.jobId}`,
    `Yardmaster-Runner: ${toTrailerValue(options.runnerName)}`,
    `Yardmaster-Agent: ${toTrailerValue(options.agentName)}`,
    `Co-authored-by: ${person} <${toNoreplyAddress(account, spec.githubApiUrl)}>`,
    '',
  ].join('\n');
}

function toSubject({ issue, base, revision }: JobSpec): string {
  const about = revision === undefined ? '' : toOccasion(revision, base.branch);
  const plain = stripControl(issue.title)
    .replace(/https?:\/\/\S+/gi, '')
    .replace(/[@#<>]/g, '')
    .replace(/\bGH-(?=\d)/gi, 'GH ')
    .replace(/\s+/g, ' ')
    .trim();
  if (plain === '') return `${about}Work on issue ${issue.number}`;
  const whole = `${about}${plain}`;
  const subject = whole.length <= MAX_SUBJECT ? whole : `${whole.slice(0, MAX_SUBJECT - 1).trimEnd()}…`;
  return breakSkipMarks(subject);
}

/** What sets the commit apart from the others of its pull request. */
function toOccasion({ cause, mergeBase }: Revision, baseBranch: string): string {
  if (mergeBase) return `Merge ${baseBranch.replace(/[^\w./-]/g, '').slice(0, 30)}: `;
  return cause === 'checks' ? 'Mend checks: ' : 'Rework: ';
}

function toBody(summary: string): string {
  const plain = stripControl(summary.slice(0, MAX_BODY * 4))
    .replace(/https?:\/\//gi, '')
    .replace(/[@#<>]/g, '')
    .replace(/\bGH-(?=\d)/gi, 'GH ')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
  const cut = plain.length <= MAX_BODY ? plain : `${plain.slice(0, MAX_BODY - 1).trimEnd()}…`;
  const lines = cut.split('\n').flatMap((line) => wrap(line.trimEnd()));
  return breakSkipMarks(lines.map(breakLineMarks).join('\n'));
}

/** At spaces; what has none stays long, and a list's or a code block's indentation counts for its first line only. */
function wrap(line: string): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > BODY_WIDTH) {
    const at = rest.lastIndexOf(' ', BODY_WIDTH);
    const end = at > 0 && rest.slice(0, at).trim() !== '' ? at : rest.indexOf(' ', BODY_WIDTH);
    if (end === -1) break;
    lines.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

/** A line that git or GitHub would take for a trailer, or `git am` for the beginning of a patch. */
function breakLineMarks(line: string): string {
  return line
    .replace(/^(\s*[a-z0-9]+(?:-[a-z0-9]+)+)(?=\s*:)/i, `$1${ZERO_WIDTH_SPACE}`)
    .replace(/^(?=diff -|---|Index: )/, ' ');
}

/** One line, without what would end the name or the address of a trailer. */
function toTrailerValue(text: string): string {
  return stripControl(text)
    .replace(/[<>\s]+/g, ' ')
    .trim();
}
