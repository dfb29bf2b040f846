/** GitHub takes 65,536 for an issue or a comment. */
const MAX_CHARACTERS = 70_000;
/** Of quotes and lists in each other, opened in one line. */
const MAX_NESTING = 20;
/** Of marks that open lists in each other, and of footnotes: the parser takes the square of their number, about a second for 2000. */
const MAX_NESTED = 2000;
/** The parser compares such marks within a paragraph with each other: 5000 in one take it about a second. */
const MAX_COMPARISONS = 25_000_000;
const CONTAINERS = /(?:[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])(?=[ \t]|$)))*[ \t]*/y;
const CONTAINER = />|[-+*]|\d+[.)]/g;
const LINE_END = /\r\n?|\n/g;
const MARK = /[[\]*_~|]/g;

/**
 * The beginning of a Markdown text that can be parsed in time, whoever made it: up to a blank line, which no tag, link or title goes across.
 */
export function readablePart(markdown: string): string {
  let end = 0;
  let comparisons = 0;
  let marks = 0;
  let nested = 0;
  let at = 0;
  while (at < markdown.length) {
    LINE_END.lastIndex = at;
    const lineEnd = LINE_END.exec(markdown)?.index ?? markdown.length;
    if (lineEnd > MAX_CHARACTERS) return markdown.slice(0, end);
    const line = markdown.slice(at, lineEnd);
    CONTAINERS.lastIndex = 0;
    const opened = CONTAINERS.exec(line)?.[0] ?? '';
    const depth = (opened.match(CONTAINER) ?? []).length;
    if ((depth > 1 && /[^> \t]/.test(opened)) || line.startsWith('[^', opened.length)) nested += depth + 2;
    if (depth > MAX_NESTING || nested > MAX_NESTED) return markdown.slice(0, end);
    if (/^[ \t]*$/.test(line)) {
      end = at;
      comparisons += marks * marks;
      marks = 0;
    }
    marks += (line.match(MARK) ?? []).length;
    if (comparisons + marks * marks > MAX_COMPARISONS) return markdown.slice(0, end);
    at = lineEnd + (markdown.startsWith('\r\n', lineEnd) ? 2 : 1);
  }
  return markdown;
}
