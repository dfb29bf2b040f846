/** What JSON itself leaves as it is, and a terminal does not: DEL and C1, marks that turn the reading direction, separators of lines. */
const UNSAFE = /[\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/g;

/** JSON of the same meaning that no terminal takes for a command and no reader reads in another order. Ends without a line feed. */
export function toSafeJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
