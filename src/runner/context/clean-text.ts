// Characters that show nothing, or turn what is shown: format characters (zero width, direction, tags), controls but
// for tab and line end, variation selectors, and letters that are blank. Each has been used to hide orders in text.
const UNSEEN =
  /[\p{Cf}\p{Co}\u{115F}\u{1160}\u{3164}\u{FFA0}]|\u{034F}|[\u{180B}-\u{180F}]|[\u{FE00}-\u{FE0F}]|[\u{E0100}-\u{E01EF}]|(?![\n\t])\p{Cc}/gu;

/** `[//]: # (text)`: a link definition that nobody uses, the other way to write a comment in Markdown. */
const LINK_COMMENT = /^ {0,3}\[[^\]\n]{0,100}\]: *(?:#|<>) *["'(][^\n]*$/;

/**
 * Text from GitHub as a person sees it there: without HTML comments (except inside code blocks, where people see them)
 * and without unseen characters. At most `maxCharacters`; what is cut is said at the end.
 */
export function cleanText(text: string, maxCharacters: number): string {
  // Cut before and after: a comment of a megabyte costs no more than it has to.
  const plain = removeUnseen(text.slice(0, maxCharacters * 4));
  const seen = removeComments(plain).trim();
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
function removeComments(text: string): string {
  const kept: string[] = [];
  let fence: string | null = null;
  let isInComment = false;
  for (const line of text.split('\n')) {
    if (fence !== null) {
      kept.push(line);
      if (closes(line, fence)) fence = null;
      continue;
    }
    const opened: string | undefined = isInComment
      ? undefined
      : /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1];
    if (opened !== undefined) {
      fence = opened;
      kept.push(line);
      continue;
    }
    const { seen, isOpen } = removeFromLine(line, isInComment);
    // A line that was nothing but a comment goes as a whole.
    if (!LINK_COMMENT.test(seen) && (seen.trim() !== '' || line.trim() === '')) kept.push(seen);
    isInComment = isOpen;
  }
  return kept.join('\n');
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
