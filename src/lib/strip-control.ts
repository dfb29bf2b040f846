import { stripVTControlCharacters } from 'node:util';

// Everything that moves a cursor, colours, beeps, hides or reorders text; tabs and line ends stay.
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

const COMMAND_ENDS = ['\u0007', '\u001B\\', '\u009C'];

/**
 * Text of a program as plain text: without terminal sequences, control characters and marks that turn the reading
 * direction. Carriage returns, as progress bars write them, become line ends.
 */
export function stripControl(text: string): string {
  return stripSequences(text)
    .replace(/\r+\n?/g, '\n')
    .replace(CONTROL, '');
}

/**
 * Node looks from each beginning of a command (`ESC ]`) through the whole rest for its end: minutes for a line that is made for it. So
 * beginnings that no end follows are taken out before; not without a trace, or what is left could be a beginning again.
 */
function stripSequences(text: string): string {
  const rest = Math.max(...COMMAND_ENDS.map((end) => text.lastIndexOf(end))) + 1;
  return stripVTControlCharacters(text.slice(0, rest) + text.slice(rest).replaceAll('\u001B]', '\u0000'));
}

/**
 * Text in which every character can be seen: those that command, hide or reorder stand as `\uFFFD`. For what somebody is to judge: nothing in it
 * may be swallowed, as a terminal would. Carriage returns at the ends of lines alone are left out.
 */
export function showControl(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/(?![\t\n])[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD');
}

/** `stripControl` in one line of at most `maxLength` characters, for logs and lists. */
export function toOneLine(text: string, maxLength: number): string {
  // Cut first, so that a huge text costs no more than the line it becomes; white space may shrink it further.
  const line = stripControl(text.slice(0, maxLength * 4))
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= maxLength ? line : `${cutText(line, maxLength - 1)}…`;
}

/** The first `maxLength` characters at most; none, such as an emoji, is cut in half: GitHub refuses such text. */
export function cutText(text: string, maxLength: number): string {
  const cut = text.slice(0, maxLength);
  return cut.length < text.length && /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut;
}
