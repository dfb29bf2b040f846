import { keepVisible } from './visible-markdown.ts';

// Characters that show nothing, or turn what is shown: format characters (zero width, direction, tags), controls but
// for tab and line end, variation selectors, and letters that are blank. Each has been used to hide orders in text.
const UNSEEN =
  /[\p{Cf}\p{Co}\u{115F}\u{1160}\u{3164}\u{FFA0}]|\u{034F}|[\u{180B}-\u{180F}]|[\u{FE00}-\u{FE0F}]|[\u{E0100}-\u{E01EF}]|(?![\n\t])\p{Cc}/gu;

/**
 * Markdown from GitHub as a person sees it there (see `keepVisible`), and without unseen characters. At most `maxCharacters`; what is cut
 * is said at the end.
 */
export function cleanText(text: string, maxCharacters: number): string {
  // Unseen characters go last: between two marks, they keep GitHub from seeing one mark, and so they have to do here.
  const { visible, isCut } = keepVisible(text.toWellFormed());
  const seen = removeUnseen(visible).trim();
  if (!isCut && seen.length <= maxCharacters) return seen;
  return `${seen.slice(0, maxCharacters).toWellFormed()}\n[cut here: the text has ${text.length} characters]`;
}

/** Without unseen characters, and with `\n` for every kind of line end. */
export function removeUnseen(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\r\n?|[\u2028\u2029]/g, '\n')
    .replaceAll(UNSEEN, '');
}
