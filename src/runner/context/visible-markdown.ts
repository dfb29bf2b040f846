import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import { readablePart } from './readable-part.ts';
import { keepVisibleHtml, toAddress, type HtmlState } from './visible-html.ts';

type Root = ReturnType<typeof fromMarkdown>;
type Node = Root | Root['children'][number];
type Of<Type extends Node['type']> = Extract<Node, { type: Type }>;
type Edit = { start: number; end: number; text: string };

/** Without the transforms, which look for addresses in the finished tree: the source is kept, and deep nesting makes them fail. */
const MDAST_EXTENSIONS = gfmFromMarkdown().map((extension) => ({ ...extension, transforms: [] }));
/** GitHub writes a tag before what is in them, which ends one that was left open. */
const WRITE_A_TAG = new Set(['heading', 'code', 'thematicBreak', 'list', 'listItem', 'blockquote', 'table']);
const PHRASING_PARENTS = new Set([
  'paragraph',
  'heading',
  'tableCell',
  'emphasis',
  'strong',
  'delete',
  'link',
  'linkReference',
]);
/** Blocks of HTML that GitHub's older CommonMark ends or begins elsewhere, so that what is in them can't be told. */
const UNCLEAR_HTML = /^<\/?(?:search|textarea)(?=[\s/>])/i;
/** A block of HTML by GitHub's older CommonMark, which our parser takes for text. */
const SOURCE_TAG = /<\/?source(?=[\s/])[^>]*>?/gi;
const LINE_REST = /[ \t]*(?:\r\n?|\n|$)/y;
const REFERENCE = /&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi;
const UNSEEN_REFERENCE =
  /&(?:zwn?j|lrm|rlm|shy|ZeroWidthSpace|NoBreak|Invisible\w+|af|ApplyFunction|ic|it);/g;

/**
 * The source of what GitHub shows of a Markdown text, as its own grammar (CommonMark with GitHub's extensions) has it. Left out are: HTML but
 * for its text and known tags, link definitions, labels and titles of links, words in place of images, info strings of code, footnotes that
 * nobody names, and cells that a table has no column for. Links stand with their addresses, footnotes with their numbers. `isCut`: the end
 * is missing, since it would take too long to parse. Promises to end in time, whoever made the text.
 */
export function keepVisible(text: string): { visible: string; isCut: boolean } {
  // The parser leaves a byte order mark out of its offsets.
  const whole = text.replace(/^\ufeff/, '');
  const markdown = readablePart(whole);
  const isCut = markdown.length < whole.length;
  const tree = fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: MDAST_EXTENSIONS });
  return { visible: applyEdits(markdown, findEdits(tree, markdown, isCut)), isCut };
}

function findEdits(tree: Root, markdown: string, isCut: boolean): Edit[] {
  const edits: Edit[] = [];
  const addresses = new Map<string, string>();
  const footnotes = new Map<string, Of<'footnoteDefinition'>>();
  for (const { node } of walk(tree)) {
    if (node.type === 'definition' && !addresses.has(node.identifier))
      addresses.set(node.identifier, node.url);
    else if (node.type === 'footnoteDefinition' && !footnotes.has(node.identifier))
      footnotes.set(node.identifier, node);
  }
  const numbers = new Map<string, number>();
  const surplusCells = new Set<Node>();
  const html: { state: HtmlState } = { state: 'text' };

  const replace = (node: Node, text: string): void => {
    edits.push({ ...rangeOf(node), text });
  };
  const visit = (node: Node, parent: Node | null): boolean => {
    if (html.state === 'tag' && (WRITE_A_TAG.has(node.type) || isLooseParagraph(node, parent)))
      html.state = 'text';
    if (isCut && mayMissDefinition(node, markdown)) replace(node, '');
    switch (node.type) {
      case 'html': {
        const read = keepVisibleHtml(node.value, html.state);
        html.state = read.state;
        const isBlock = parent === null || !PHRASING_PARENTS.has(parent.type);
        if (!isBlock) replace(node, showText(read.visible));
        else if (UNCLEAR_HTML.test(node.value)) replace(node, '');
        else replace(node, prefixLines(showText(withoutBlankLines(read.visible)), markdown, node));
        return false;
      }
      case 'definition':
        replace(node, '');
        return false;
      case 'footnoteDefinition':
        // They are shown at the end, whose turn comes later.
        return false;
      case 'footnoteReference': {
        if (html.state !== 'text') {
          replace(node, '');
          return false;
        }
        const number = numbers.get(node.identifier) ?? numbers.size + 1;
        numbers.set(node.identifier, number);
        replace(node, `[^${number}]`);
        return false;
      }
      case 'image':
        replace(node, html.state === 'text' ? `![](${toAddress(node.url)})` : '');
        return false;
      case 'imageReference':
        replace(node, html.state === 'text' ? `![](${toAddress(addresses.get(node.identifier) ?? '')})` : '');
        return false;
      case 'link':
      case 'linkReference': {
        const { start, end } = rangeOf(node);
        const last = node.children.at(-1);
        if (last === undefined) replace(node, '');
        else if (markdown[start] === '[') {
          const url = node.type === 'link' ? node.url : (addresses.get(node.identifier) ?? '');
          const text = html.state === 'text' ? `](${toAddress(url)})` : ']';
          edits.push({ start: rangeOf(last).end, end, text });
        } else if (html.state !== 'text') replace(node, '');
        return true;
      }
      case 'tableRow': {
        const columns = parent?.type === 'table' ? (parent.children[0]?.children.length ?? 0) : 0;
        for (const cell of node.children.slice(columns)) {
          surplusCells.add(cell);
          replace(cell, '');
        }
        return true;
      }
      case 'tableCell':
        return !surplusCells.has(node);
      case 'code': {
        if (html.state !== 'text') replace(node, '');
        else if (typeof node.lang === 'string') edits.push(...shortenInfo(node, markdown));
        return false;
      }
      case 'inlineCode':
        if (html.state !== 'text') replace(node, '');
        return false;
      case 'text': {
        const { start, end } = rangeOf(node);
        const source = markdown.slice(start, end);
        const text = html.state === 'text' ? showText(source.replaceAll(SOURCE_TAG, '')) : '';
        if (text !== source) edits.push({ start, end, text });
        return false;
      }
      case 'root':
      case 'blockquote':
      case 'break':
      case 'delete':
      case 'emphasis':
      case 'heading':
      case 'list':
      case 'listItem':
      case 'paragraph':
      case 'strong':
      case 'table':
      case 'thematicBreak':
      case 'yaml':
        return true;
      default:
        return node satisfies never;
    }
  };

  walkInto(tree, null, visit);
  const shown = new Set<Node>();
  // Those named in footnotes come behind, while we go.
  for (const [identifier, number] of numbers) {
    const footnote = footnotes.get(identifier);
    if (footnote === undefined || html.state === 'quote' || html.state === 'comment') continue;
    shown.add(footnote);
    html.state = 'text';
    const { start, end } = rangeOf(footnote);
    const mark = /^\[\^(?:\\[^]|[^\\\]])*\]:/.exec(markdown.slice(start, end))?.[0] ?? '';
    edits.push({ start, end: start + mark.length, text: `[^${number}]:` });
    for (const child of footnote.children) walkInto(child, footnote, visit);
  }
  for (const { node } of walk(tree)) {
    if (node.type === 'footnoteDefinition' && !shown.has(node)) replace(node, '');
  }
  return edits;
}

/** In the order of the source, without recursion: nesting may be deep. `goOn` tells whether to go into a node. */
function* walk(
  top: Node,
  topParent: Node | null = null,
  goOn: (node: Node, parent: Node | null) => boolean = () => true,
): Generator<{ node: Node; parent: Node | null }> {
  const left: { node: Node; parent: Node | null }[] = [{ node: top, parent: topParent }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    yield next;
    const { node, parent } = next;
    if (!goOn(node, parent) || !('children' in node)) continue;
    for (const child of node.children.toReversed()) left.push({ node: child, parent: node });
  }
}

function walkInto(top: Node, parent: Node | null, visit: (node: Node, parent: Node | null) => boolean): void {
  for (const _ of walk(top, parent, visit));
}

function rangeOf(node: Node): { start: number; end: number } {
  return { start: node.position?.start.offset ?? 0, end: node.position?.end.offset ?? 0 };
}

/** In lists without blank lines, paragraphs have no tags. */
function isLooseParagraph(node: Node, parent: Node | null): boolean {
  return node.type === 'paragraph' && parent?.type !== 'listItem' && parent?.type !== 'footnoteDefinition';
}

/** Labels and words for images are hidden by a definition, which may be in the part that was cut off. */
function mayMissDefinition(block: Node, markdown: string): boolean {
  if (block.type !== 'paragraph' && block.type !== 'heading' && block.type !== 'tableCell') return false;
  for (const { node } of walk(block)) {
    const { start, end } = rangeOf(node);
    if (node.type === 'text' && /\]\[|!\[|\[\^/.test(markdown.slice(start, end))) return true;
  }
  return false;
}

/** Text without references to characters that show nothing; those themselves go at the end. */
function showText(source: string): string {
  return source
    .replaceAll(REFERENCE, (reference, hex: string | undefined, decimal: string | undefined) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10_ff_ff && /[\p{Cf}\p{Co}\p{Mn}\p{Cn}]/u.test(String.fromCodePoint(code))
        ? ''
        : reference;
    })
    .replaceAll(UNSEEN_REFERENCE, '');
}

/** Of the words behind a fence, GitHub takes the first for a language, and shows none. */
function shortenInfo(node: Of<'code'>, markdown: string): Edit[] {
  const { start, end } = rangeOf(node);
  const [, fence = '', info = ''] = /^(`{3,}|~{3,})([^\r\n]*)/.exec(markdown.slice(start, end)) ?? [];
  if (fence === '') return [];
  const language = /^[\w+#.-]{1,20}$/.test(node.lang ?? '') ? (node.lang ?? '') : '';
  return [{ start: start + fence.length, end: start + fence.length + info.length, text: language }];
}

function withoutBlankLines(text: string): string {
  return text
    .split(/\r\n?|\n/)
    .filter((line) => line.trim() !== '')
    .join('\n');
}

/** Lines of a block, each behind the marks of the quotes that it stands in. */
function prefixLines(text: string, markdown: string, node: Node): string {
  const { start } = rangeOf(node);
  const before = markdown.slice(Math.max(0, start - 200), start);
  const prefix = (/[^\r\n]*$/.exec(before)?.[0] ?? '').replaceAll(/[^>\t]/g, ' ');
  return text.replaceAll('\n', `\n${prefix}`);
}

/** A line of which nothing is left goes as a whole; what is in something that goes, goes with it. */
function applyEdits(markdown: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let isLineBlank = true;
  const add = (part: string): void => {
    parts.push(part);
    const lineStart = Math.max(part.lastIndexOf('\n'), part.lastIndexOf('\r')) + 1;
    isLineBlank = (isLineBlank || lineStart > 0) && /^[ \t]*$/.test(part.slice(lineStart));
  };
  let at = 0;
  for (const { start, end, text } of edits.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (start < at) continue;
    add(markdown.slice(at, start));
    at = end;
    if (text === '' && isLineBlank) {
      LINE_REST.lastIndex = at;
      if (LINE_REST.test(markdown)) {
        at = LINE_REST.lastIndex;
        dropIndent(parts);
      }
    }
    add(text);
  }
  add(markdown.slice(at));
  return parts.join('');
}

function dropIndent(parts: string[]): void {
  for (let last = parts.pop(); last !== undefined; last = parts.pop()) {
    const kept = last.replace(/(?<![ \t])[ \t]+$/, '');
    if (kept === '') continue;
    parts.push(kept);
    return;
  }
}
