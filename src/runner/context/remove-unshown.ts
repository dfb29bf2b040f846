/** An HTML tag, as CommonMark has it: quotes may hold `>`. */
const TAG = /<[a-z][a-z0-9-]*(?:\s+[^\s"'<>=/]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?)*\s*\/?>/gi;

/** Attributes that say where something is; all others show no words, or words that nobody sees without pointing at them. */
const KEPT_ATTRIBUTE = /\s(?:src|href|srcset)\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+)/gi;

/** The title of a link or an image, which is shown as a tip at most. */
const TITLE = /(\]\(\s*(?:<[^<>\n]{0,2000}>|[^\s()<>]{1,2000}))\s+(?:"[^"]*"|'[^']*'|\([^()]*\))\s*\)/g;

/**
 * Markdown without words that are only shown where an image is missing, or when somebody points at something: orders can be hidden there.
 * Images and links stay.
 */
export function removeUnshown(markdown: string): string {
  return removeAltTexts(markdown.replaceAll(TAG, shortenTag)).replaceAll(TITLE, '$1)');
}

function shortenTag(tag: string): string {
  const name = /^<[a-z0-9-]+/i.exec(tag)?.[0] ?? '<';
  return `${name}${(tag.match(KEPT_ATTRIBUTE) ?? []).join('')}>`;
}

/** `![words](address)` → `![](address)`; brackets may be nested, and lines may end in between. */
function removeAltTexts(markdown: string): string {
  const closings = findClosings(markdown);
  let seen = '';
  let from = 0;
  for (;;) {
    const start = markdown.indexOf('![', from);
    if (start === -1) return seen + markdown.slice(from);
    const end = closings.get(start + 1);
    // `![words][label]` names its address by a label, which has to stay; so does `![label]`.
    const isImage = end !== undefined && /[([]/.test(markdown[end + 1] ?? '');
    seen += `${markdown.slice(from, start)}${isImage ? '![]' : '!['}`;
    from = isImage ? end + 1 : start + 2;
  }
}

/** Where each opening bracket is closed, of those that are. */
function findClosings(markdown: string): Map<number, number> {
  const closings = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < markdown.length; at += 1) {
    const character = markdown[at];
    if (character === '\\') at += 1;
    else if (character === '[') open.push(at);
    else if (character === ']') {
      const start = open.pop();
      if (start !== undefined) closings.set(start, at);
    }
  }
  return closings;
}
