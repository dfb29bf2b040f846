const BEGINS = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/;
const ENDS = /-----END [A-Z ]{0,40}PRIVATE KEY-----/;
/** Shorter runs are words; a key's lines have 64 characters, its last one fewer. */
const KEY_MATERIAL = /[\w+/=]{16,}/g;
/** A key of 16,384 bits has some 200 lines; between them may stand lines of others. */
const MOST_LINES = 400;

/**
 * Masks the lines of private keys in text that comes line by line, so that no single line tells what it is. One for each log. A redactor's
 * stream would keep back the last words of a live log, and take lines of others, which come in between, for the key's end.
 */
export function createKeyLineMask(): (line: string) => string {
  let left = 0;
  return (line) => {
    const begun = line.search(BEGINS);
    const isInside = left > 0;
    if (begun >= 0) left = MOST_LINES;
    else if (!isInside) return line;
    if (ENDS.test(begun >= 0 ? line.slice(begun) : line)) left = 0;
    else left -= 1;
    const from = isInside ? 0 : begun;
    return line.slice(0, from) + line.slice(from).replace(KEY_MATERIAL, '***');
  };
}
