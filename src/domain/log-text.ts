import type { JobId } from '../contract/identifiers.ts';
import type { AttemptResult } from '../contract/attempt-result.ts';
import { toFence } from './markdown-escape.ts';

/** How much of the end of a log is read for its check run, in bytes: enough for all characters shown, whatever they are. */
export const LOG_END_BYTES = 48 * 1024;
/** GitHub takes 65,535 characters, and backticks in a log make its fence as long as they are many. */
const MAX_SHOWN_CHARACTERS = 12_000;

/** The end of an attempt's log: its last `LOG_END_BYTES`, without secrets. */
export type LogEnd = { text: string; jobId: JobId };

type Ended = Pick<AttemptResult, 'outcome' | 'sandbox' | 'wasRefused'>;

/**
 * Why the log of an attempt is not for everybody who sees the repository; `null` when it is. It may show what the rules keep out of the work,
 * such as a secret that the agent wrote, and, without a sandbox, whatever lies on the runner's machine: the rules look at the work alone.
 */
export function explainWithheldLog({ outcome, sandbox, wasRefused }: Ended): string | null {
  if (outcome === 'policy_refused' || wasRefused === true) return 'the work was refused';
  return sandbox === 'none' ? 'agent and tests ran without a sandbox' : null;
}

/**
 * The end of the log for the check run of an attempt that is over, folded, or why it is not shown; `null` when there is none. `result`:
 * `null` when its runner has not told how it ended.
 */
export function toLogText({ text, jobId }: LogEnd, result: Ended | null): string | null {
  if (text.trim() === '') return null;
  const whole = `\`yardmaster logs ${jobId.slice(-12)}\` shows all of it to the operator.`;
  const withheld = result === null ? 'its runner did not tell how it ended' : explainWithheldLog(result);
  if (withheld !== null) return `The log is not shown here, since ${withheld}. ${whole}`;
  return [
    '<details><summary>The end of the log</summary>',
    toFence(text, MAX_SHOWN_CHARACTERS),
    whole,
    '</details>',
  ].join('\n\n');
}
