import { toOneLine } from '../../lib/strip-control.ts';
import { readWording } from './read-wording.ts';

const MAX_REASONS = 20;
const MAX_REASON_CHARACTERS = 600;

/** What the agent is told when its work may not be published: why, in the words that people would read. */
export async function buildRefusalPrompt(reasons: readonly string[]): Promise<string> {
  const shown = reasons
    .slice(0, MAX_REASONS)
    .map((reason) => `- ${toOneLine(reason, MAX_REASON_CHARACTERS)}`);
  const more = reasons.length > shown.length ? [`- and ${reasons.length - shown.length} more`] : [];
  return `${[await readWording('refused'), '## The reasons', [...shown, ...more].join('\n')].join('\n\n')}\n`;
}
