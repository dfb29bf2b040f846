/**
 * Where pieces of HTML leave off, since a browser reads on over what Markdown has between them: in text, in a comment, in a tag that the
 * next tag ends, or in a quoted attribute, whose end can't be told.
 */
export type HtmlState = 'text' | 'comment' | 'tag' | 'quote';

/** Without others: a name of a tag is seen by nobody, so it could be an order. These are what GitHub lets through. */
const KNOWN_TAGS = new Set(
  'a abbr b bdo blockquote br caption cite code dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p picture pre q rp rt ruby s samp small source span strike strong sub summary sup table tbody td tfoot th thead time tr tt ul var video wbr'.split(
    ' ',
  ),
);
/** The attribute that says where something is; all others show no words, or words that nobody sees without pointing at them. */
const KEPT_ATTRIBUTES: Readonly<Record<string, string>> = { a: 'href', img: 'src', video: 'src' };
/** GitHub shows these tags as text, so that quotes in them are none. */
const TAGS_AS_TEXT = /^(?:title|textarea|style|xmp|iframe|noembed|noframes|script|plaintext)$/i;
/** In characters; addresses of GitHub's own images take up to 1000. */
const MAX_ADDRESS = 2000;

/**
 * The text of a piece of HTML as a browser shows it: without comments, declarations, processing instructions and unknown tags, with known
 * tags without their attributes but for addresses. `state`: where the piece before left off.
 */
export function keepVisibleHtml(html: string, state: HtmlState): { visible: string; state: HtmlState } {
  let visible = '';
  let at = 0;
  let now = state;
  for (;;) {
    if (now === 'quote') return { visible, state: now };
    if (now === 'comment') {
      const end = findAfter(html, /--!?>/g, at);
      if (end === null) return { visible, state: now };
      at = end;
      now = 'text';
    } else if (now === 'tag') {
      const end = findAfter(html, />/g, at);
      // Which of the quotes are attributes' is not known here.
      if (/["']/.test(html.slice(at, end ?? html.length))) return { visible, state: 'quote' };
      if (end === null) return { visible, state: now };
      at = end;
      now = 'text';
    }
    const start = html.indexOf('<', at);
    if (start === -1) return { visible: visible + html.slice(at), state: now };
    visible += html.slice(at, start);
    if (html.startsWith('<!--', start)) {
      at = start + 4;
      const empty = /^-?>/.exec(html.slice(at, at + 2));
      if (empty === null) now = 'comment';
      else at += empty[0].length;
    } else if (/^<\/?[a-z]/i.test(html.slice(start, start + 3))) {
      const tag = readTag(html, start);
      visible += tag.visible;
      at = tag.end;
      now = tag.state;
    } else if (/^<[!?/]/.test(html.slice(start, start + 2))) {
      // Whatever it is to Markdown, a browser takes it for a comment up to the first `>`.
      const end = html.indexOf('>', start);
      at = end === -1 ? html.length : end + 1;
      now = end === -1 ? 'tag' : 'text';
    } else {
      visible += '<';
      at = start + 1;
    }
  }
}

/** An address that holds no words: without blanks, and not too long. */
export function toAddress(address: string): string {
  if (address.length > MAX_ADDRESS) return '';
  return address.trim().replaceAll(/[\s<>"\p{Cc}]/gu, (character) => encodeURIComponent(character));
}

function readTag(html: string, start: number): { visible: string; end: number; state: HtmlState } {
  const slash = html[start + 1] === '/' ? '/' : '';
  const nameStart = start + 1 + slash.length;
  let at = skip(html, /[^\t\n\f\r />]*/y, nameStart);
  const name = html.slice(nameStart, at).toLowerCase();
  if (TAGS_AS_TEXT.test(name)) {
    const end = html.indexOf('>', at);
    return end === -1
      ? { visible: '', end: html.length, state: 'tag' }
      : { visible: '', end: end + 1, state: 'text' };
  }
  let address: string | null = null;
  for (;;) {
    at = skip(html, /[\t\n\f\r /]*/y, at);
    if (at >= html.length) return { visible: '', end: at, state: 'tag' };
    if (html[at] === '>') break;
    const attributeStart = at;
    at = skip(html, /=?[^\t\n\f\r />=]*/y, at);
    const attribute = html.slice(attributeStart, at).toLowerCase();
    const valueStart = skip(html, /[\t\n\f\r ]*=[\t\n\f\r ]*/y, at);
    if (valueStart === at) continue;
    const quote = html[valueStart];
    let value: string;
    if (quote === '"' || quote === "'") {
      const end = html.indexOf(quote, valueStart + 1);
      if (end === -1) return { visible: '', end: html.length, state: 'quote' };
      value = html.slice(valueStart + 1, end);
      at = end + 1;
    } else {
      at = skip(html, /[^\t\n\f\r >]*/y, valueStart);
      value = html.slice(valueStart, at);
    }
    if (slash === '' && KEPT_ATTRIBUTES[name] === attribute) address ??= toAddress(value);
  }
  const kept = address === null ? '' : ` ${KEPT_ATTRIBUTES[name] ?? ''}="${address}"`;
  const visible = KNOWN_TAGS.has(name) ? `<${slash}${name}${kept}>` : '';
  return { visible, end: at + 1, state: 'text' };
}

/** Where a sticky pattern stops to match. */
function skip(text: string, pattern: RegExp, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function findAfter(text: string, pattern: RegExp, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}
