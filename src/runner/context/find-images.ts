import type { IssueSnapshot } from '../../contract/issue-snapshot.ts';
import { cleanText } from './clean-text.ts';

const MARKDOWN_IMAGE = /!\[\]\(\s*<?([^\s()<>]{1,2000})/g;
const HTML_IMAGE = /<img\s[^<>]*?\bsrc\s*=\s*(?:"([^"<>]{1,2000})"|'([^'<>]{1,2000})'|([^\s"'<>]{1,2000}))/gi;
/** In characters, of each text. */
const MAX_TEXT = 70_000;
/** More are hardly looked at; each costs a line of the prompt. */
const MAX_IMAGES = 20;

/** Addresses of the images that issue and comments show to people, in order, each once. */
export function findImages({ body, comments = [] }: Pick<IssueSnapshot, 'body' | 'comments'>): string[] {
  const urls = new Set<string>();
  for (const text of [body, ...comments.map((comment) => comment.body)]) {
    const seen = cleanText(text, MAX_TEXT);
    const found = [...seen.matchAll(MARKDOWN_IMAGE), ...seen.matchAll(HTML_IMAGE)].sort(
      (a, b) => a.index - b.index,
    );
    for (const [, first, second, third] of found) {
      const url = first ?? second ?? third;
      if (url !== undefined) urls.add(url);
    }
  }
  return [...urls].slice(0, MAX_IMAGES);
}
