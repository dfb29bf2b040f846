import type { AttemptResult, FileChange } from '../contract/job.ts';
import { formatCount } from './figures-text.ts';
import { toCode, toTable } from './markdown-escape.ts';

type Changes = Pick<AttemptResult, 'changes' | 'changedFiles'>;

/** `2 files changed`. */
export function toChangedFilesText(changedFiles: number): string {
  return `${formatCount(changedFiles, 'file')} changed`;
}

/** Which files changed, and by how many lines. Markdown. */
export function toChangesText({ changes, changedFiles }: Changes, mostShown: number): string {
  const shown = changes.slice(0, mostShown);
  const rows = shown.map((change) => [toCode(change.path, 200), change.status, toLines(change)]);
  const hidden = changedFiles - shown.length;
  return [
    `${toChangedFilesText(changedFiles)}.`,
    shown.length === 0 ? null : toTable(['File', 'Change', 'Lines'], rows),
    hidden > 0 ? `… and ${hidden} more.` : null,
  ]
    .filter((part) => part !== null)
    .join('\n\n');
}

function toLines({ added, removed }: FileChange): string {
  return added === null || removed === null ? 'binary' : `+${added} −${removed}`;
}
