import { cutText, showControl, stripControl, toOneLine } from '../lib/strip-control.ts';
import { breakSkipMarks } from './skip-marks.ts';

/**
 * Everything that people, repositories and agents write is hostile: it may try to ping people, to close or link other issues,
 * to bring HTML in, to leave its table cell, or to look like a part of our own text. Each function here makes such text
 * harmless for one place in a Markdown document on GitHub.
 *
 * Mentions and references are found by GitHub in the finished page, so neither backslashes nor entities stop them. A
 * zero-width space inside does, and can't be seen.
 */
const ZERO_WIDTH_SPACE = '\u200B';

/** Shown by nobody's eyes: soft hyphen, zero-width space, word joiner, byte order mark, tag characters. */
const INVISIBLE = /[\u00AD\u200B\u2060-\u2064\uFEFF]|\u{E0001}|[\u{E0020}-\u{E007F}]/gu;

/** What GitHub makes a mention, a reference to an issue, or a link of, up to where the space goes. */
const AUTOMATIC_LINKS = /@|#(?=[^\s#])|GH-(?=\d)|:(?=\/\/)|www(?=\.)/gi;

/** One line without any formatting: for headings, lists, sentences and table cells. */
export function toInline(text: string, maxLength: number): string {
  const line = toOneLine(text.replace(INVISIBLE, ''), maxLength);
  return breakAutomaticLinks(line)
    .replace(/[\\`*_[\]~$]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/^([#+=-])/, '\\$1')
    .replace(/^(\d+)([.)])/, '$1\\$2');
}

/**
 * A code span of one line. References are broken in it as well: a squash merge may make the Markdown of a pull request
 * the message of a commit, where no code spans protect from them.
 */
export function toCode(text: string, maxLength: number): string {
  const line = breakAutomaticLinks(toOneLine(text.replace(INVISIBLE, ''), maxLength));
  if (line === '') return '(nothing)';
  const fence = '`'.repeat(longestRun(line) + 1);
  return line.startsWith('`') || line.endsWith('`') ? `${fence} ${line} ${fence}` : `${fence}${line}${fence}`;
}

/** A code block with the last `maxLength` characters, cut at a line's start: the end of an output tells most. */
export function toFence(text: string, maxLength: number): string {
  const clean = breakSkipMarks(stripControl(text)).trimEnd();
  const tail = clean.slice(-maxLength);
  const shown = tail.length === clean.length ? clean : `…\n${tail.slice(tail.indexOf('\n') + 1)}`;
  const fence = '`'.repeat(Math.max(3, longestRun(shown) + 1));
  return `${fence}text\n${shown}\n${fence}`;
}

/**
 * A diff as a code block, whole. `isExact`: false when a character that can't be seen is shown as another, so that it does not apply any more.
 */
export function toDiffFence(diff: string): { fence: string; isExact: boolean } {
  const clean = showControl(diff);
  const fence = '`'.repeat(Math.max(3, longestRun(clean) + 1));
  return { fence: `${fence}diff\n${clean.trimEnd()}\n${fence}`, isExact: clean === diff };
}

/**
 * Markdown of others in a block quote. Lists, emphasis and code stay; HTML, links, images, mentions and references become
 * plain text, and nothing gets out of the quote.
 */
export function toQuote(text: string, maxLength: number): string {
  return cut(text, maxLength)
    .map((line) =>
      breakAutomaticLinks(line).replace(/<|&(?=[#a-z])|\[(?=!)|\](?=[(:[])/gi, `$&${ZERO_WIDTH_SPACE}`),
    )
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
}

/**
 * The pull requests of the repository at `htmlUrl` that a text speaks of, as links: for words of our own, after they were made harmless
 * together with names of others.
 */
export function linkPullRequests(markdown: string, htmlUrl: string): string {
  return markdown.replace(
    /\b(pull request) #\u200B(\d{1,9})\b/gi,
    (_found, words: string, number: string) => `[${words} #${number}](${htmlUrl}/pull/${number})`,
  );
}

/** A title for a place where GitHub shows no Markdown but may act on references, such as a pull request's. */
export function toPlainTitle(text: string, maxLength: number): string {
  return breakAutomaticLinks(toOneLine(text.replace(INVISIBLE, ''), maxLength));
}

/** A table. Cells are Markdown, made harmless by the functions above where they hold the text of others. */
export function toTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapePipes).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Marks that skip checks, too: a pull request's text may become a commit's message. */
function breakAutomaticLinks(text: string): string {
  return breakSkipMarks(text).replace(AUTOMATIC_LINKS, `$&${ZERO_WIDTH_SPACE}`);
}

/** Pipes end a cell even inside code, and a backslash before one must not use up our own. */
function escapePipes(cell: string): string {
  return cell.replaceAll('\\|', `\\${ZERO_WIDTH_SPACE}|`).replaceAll('|', '\\|');
}

/** Lines of at most `maxLength` characters in all, and a note when something was left out. */
function cut(text: string, maxLength: number): string[] {
  const clean = stripControl(text.replace(INVISIBLE, ''))
    .replace(/[\u2028\u2029]/g, '\n')
    .trim();
  if (clean.length <= maxLength) return clean.split('\n');
  return [...cutText(clean, maxLength).split('\n'), '… (shortened)'];
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
