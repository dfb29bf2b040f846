import { stripControl } from '../lib/strip-control.ts';

/** GitHub Actions writes the time before each line. */
const TIME = /^\uFEFF?\d{4}-\d\d-\d\dT[\d:.]{8,20}Z /;
const ERROR = '##[error]';
/** With which the output of a step begins. */
const STEP = '##[group]Run ';
/** What only folds lines on the website. */
const FOLD = /^##\[(?:group|endgroup|command|debug|section)\]/;

/**
 * Of the log of a job of GitHub Actions, the part that failed, in at most `maxCharacters`: the step that the last error is in, up to that error.
 * What comes after it tidies up. Without an error, the end. Hostile text: without times, colours and marks of the website, and nothing more.
 */
export function cutFailingLog(log: string, maxCharacters: number): string {
  const lines = stripControl(log)
    .split('\n')
    .map((line) => line.replace(TIME, ''));
  const last = lines.findLastIndex((line) => line.startsWith(ERROR));
  const upToError = last === -1 ? lines : lines.slice(0, last + 1);
  const begin = last === -1 ? 0 : upToError.findLastIndex((line) => line.startsWith(STEP));
  const step = upToError
    .slice(Math.max(0, begin))
    .map((line) => line.replace(FOLD, '').replace(ERROR, 'Error: '));
  const text = step.join('\n').trim();
  if (text.length <= maxCharacters) return text;
  const tail = text.slice(-maxCharacters).toWellFormed();
  return tail.slice(tail.indexOf('\n') + 1);
}
