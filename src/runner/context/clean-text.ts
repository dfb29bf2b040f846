import { removeUnshown } from './remove-unshown.ts';

// Characters that show nothing, or turn what is shown: format characters (zero width, direction, tags), controls but
// for tab and line end, variation selectors, and letters that are blank. Each has been used to hide orders in text.
const UNSEEN =
  /[\p{Cf}\p{Co}\u{115F}\u{1160}\u{3164}\u{FFA0}]|\u{034F}|[\u{180B}-\u{180F}]|[\u{FE00}-\u{FE0F}]|[\u{E0100}-\u{E01EF}]|(?![\n\t])\p{Cc}/gu;

/**
 * Text from GitHub as a person sees it there: without HTML comments, words in place of images, titles of links and unused link definitions
 * (except inside code blocks, where people see them), and without unseen characters. At most `maxCharacters`; what is cut is said
 * at the end.
 */
export function cleanText(text: string, maxCharacters: number): string {
  // Cut before and after: a comment of a megabyte costs no more than it has to.
  const plain = removeUnseen(text.slice(0, maxCharacters * 4));
  const seen = removeHidden(plain).trim();
  const isCut = seen.length > maxCharacters || text.length > maxCharacters * 4;
  if (!isCut) return seen;
  return `${seen.slice(0, maxCharacters).toWellFormed()}\n[cut here: the text has ${text.length} characters]`;
}

/** Without unseen characters, and with `\n` for every kind of line end. */
export function removeUnseen(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\r\n?|[\u2028\u2029]/g, '\n')
    .replaceAll(UNSEEN, '');
}

/** Line by line, since a fence in a comment is no fence, and a comment in a fence no comment. */
function removeHidden(text: string): string {
  const parts: { isCode: boolean; lines: string[] }[] = [];
  const keep = (line: string, isCode: boolean): void => {
    const last = parts.at(-1);
    if (last?.isCode === isCode) last.lines.push(line);
    else parts.push({ isCode, lines: [line] });
  };
  let fence: string | null = null;
  let isInComment = false;
  for (const line of text.split('\n')) {
    if (fence !== null) {
      keep(line, true);
      if (closes(line, fence)) fence = null;
      continue;
    }
    const opened: string | undefined = isInComment
      ? undefined
      : /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1];
    if (opened !== undefined) {
      fence = opened;
      keep(line, true);
      continue;
    }
    const { seen, isOpen } = removeFromLine(line, isInComment);
    // A line that was nothing but a comment goes as a whole.
    if (seen.trim() !== '' || line.trim() === '') keep(seen, false);
    isInComment = isOpen;
  }
  return removeUnusedDefinitions(
    parts.map(({ isCode, lines }) => ({
      isCode,
      text: isCode ? lines.join('\n') : removeUnshown(lines.join('\n')),
    })),
  );
}

function closes(line: string, fence: string): boolean {
  const mark = line.trim();
  return mark.length >= fence.length && mark === (fence[0] ?? '').repeat(mark.length);
}

function removeFromLine(line: string, startsInside: boolean): { seen: string; isOpen: boolean } {
  let seen = '';
  let rest = line;
  let isInside = startsInside;
  for (;;) {
    const mark = isInside ? '-->' : '<!--';
    const at = rest.indexOf(mark);
    if (at === -1) return { seen: isInside ? seen : seen + rest, isOpen: isInside };
    if (!isInside) seen += rest.slice(0, at);
    rest = rest.slice(at + mark.length);
    isInside = !isInside;
  }
}

/** Of a link definition, label and address: what stands behind them is shown as a tip at most. */
const DEFINITION = /^( {0,3}\[([^\]\n]{1,999})\]:[ \t]*\S{1,2000})[^\n]*$/;

/**
 * `[label]: address` is shown nowhere; where nobody uses the label, it only hides words: `[//]: # (text)` is how people write comments in
 * Markdown.
 */
function removeUnusedDefinitions(parts: readonly { isCode: boolean; text: string }[]): string {
  const labels = new Map<string, number>();
  const texts = parts.filter(({ isCode }) => !isCode).map(({ text }) => text.toLowerCase());
  for (const text of texts) {
    for (const [, label = ''] of text.matchAll(/\[([^\][\n]{1,999})\](?!:)/g))
      labels.set(label.trim(), (labels.get(label.trim()) ?? 0) + 1);
  }
  const keep = (line: string): string | null => {
    const definition = DEFINITION.exec(line);
    // Footnotes are shown.
    if (definition === null || definition[2]?.startsWith('^')) return line;
    return labels.has(definition[2]?.trim().toLowerCase() ?? '') ? (definition[1] ?? '') : null;
  };
  return parts
    .map(({ isCode, text }) =>
      isCode
        ? text
        : text
            .split('\n')
            .map(keep)
            .filter((line) => line !== null)
            .join('\n'),
    )
    .join('\n');
}
