/*
 * How much of a model's context a text takes, on the safe side: 3.5 ASCII characters a token (prose has more than four, code some three
 * and a half), one for each other character. A model's own count is not to be had without asking it.
 */

const ASCII_CHARACTERS_A_TOKEN = 3.5;

/** Tokens, rounded up. */
export function estimateTokens(text: string): number {
  let weight = 0;
  for (let at = 0; at < text.length; at += 1) weight += weightOf(text.charCodeAt(at));
  return Math.ceil(weight);
}

/** The beginning of a text that takes at most so many tokens; the whole text where that is enough. */
export function cutToTokens(text: string, maxTokens: number): string {
  let weight = 0;
  for (let at = 0; at < text.length; at += 1) {
    weight += weightOf(text.charCodeAt(at));
    if (weight > maxTokens) return text.slice(0, at).toWellFormed();
  }
  return text;
}

function weightOf(code: number): number {
  return code < 128 ? 1 / ASCII_CHARACTERS_A_TOKEN : 1;
}
