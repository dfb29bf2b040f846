import { createKeyLineMask } from '../lib/mask-key-lines.ts';
import { stripControl } from '../lib/strip-control.ts';

/** Longer lines say nothing to people, and would fill the log. */
const MAX_CHARACTERS = 4000;

/** What may stand in an attempt's log of a line that somebody else wrote. One for each log: the lines of a private key belong together. */
export function createLogLineMask(redact: (text: string) => string): (line: string) => string {
  const maskKeyLine = createKeyLineMask();
  // Cut last: of a secret across the cut its beginning would be left.
  return (line) => redact(maskKeyLine(stripControl(line))).slice(0, MAX_CHARACTERS);
}
