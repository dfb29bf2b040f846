const ZERO_WIDTH_SPACE = '\u200B';

/**
 * What makes continuous integration leave a commit out: `[skip ci]`, `[ci skip]`, `[no ci]`, `[skip actions]` and the
 * like, `***NO_CI***`, and the trailer `skip-checks: true`. Each alternative ends where the space goes.
 */
const SKIP_MARKS =
  /\[(?=\s{0,3}(?:(?:skip|no)[\s_-]{1,3}[a-z]{1,20}|[a-z]{1,20}[\s_-]{1,3}skip)\s{0,3}\])|\*{3}(?=NO_CI\*)|skip-(?=checks\s{0,3}:)/gi;

/**
 * Text of others that may become a part of a commit's message, now or by a squash merge: with a zero-width space in each
 * mark that would keep checks from running on it.
 */
export function breakSkipMarks(text: string): string {
  return text.replace(SKIP_MARKS, `$&${ZERO_WIDTH_SPACE}`);
}
