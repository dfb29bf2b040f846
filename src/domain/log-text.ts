import type { JobId } from '../contract/identifiers.ts';
import type { Outcome } from '../contract/attempt-result.ts';
import { toFence } from './markdown-escape.ts';

/** How much of the end of a log is read for its check run, in bytes: enough for all characters shown, whatever they are. */
export const LOG_END_BYTES = 48 * 1024;
/** GitHub takes 65,535 characters, and backticks in a log make its fence as long as they are many. */
const MAX_SHOWN_CHARACTERS = 12_000;

/** The end of an attempt's log: its last `LOG_END_BYTES`, without secrets. */
export type LogEnd = { text: string; jobId: JobId };

/**
 * The end of the log for the check run of an attempt that is over, folded; `null` when there is none. Not of work that was refused: whoever
 * can see the repository may see a check run, and the log may show what the rules keep out of it, such as a secret that the agent wrote.
 */
export function toLogText({ text, jobId }: LogEnd, outcome: Outcome): string | null {
  if (text.trim() === '') return null;
  const whole = `\`yardmaster logs ${jobId.slice(-12)}\` shows all of it to the operator.`;
  if (outcome === 'policy_refused') return `The log is not shown here, since the work was refused. ${whole}`;
  return [
    '<details><summary>The end of the log</summary>',
    toFence(text, MAX_SHOWN_CHARACTERS),
    whole,
    '</details>',
  ].join('\n\n');
}
