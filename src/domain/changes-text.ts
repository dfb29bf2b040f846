import type { AttemptResult, FileChange } from '../contract/attempt-result.ts';
import { formatCount } from './figures-text.ts';
import { toCode, toInline, toTable } from './markdown-escape.ts';

type Changes = Pick<AttemptResult, 'changes' | 'changedFiles' | 'leftOut'>;

/** `2 files changed`. */
export function toChangedFilesText(changedFiles: number): string {
  return `${formatCount(changedFiles, 'file')} changed`;
}

/** Which files changed, and by how many lines. Markdown. */
export function toChangesText({ changes, changedFiles, leftOut = [] }: Changes, mostShown: number): string {
  const shown = changes.slice(0, mostShown);
  const rows = shown.map((change) => [
    toCode(change.path, 200),
    change.generated === true ? `${change.status}, generated` : change.status,
    toLines(change),
  ]);
  const hidden = changedFiles - shown.length;
  return [
    `${toChangedFilesText(changedFiles)}.`,
    shown.length === 0 ? null : toTable(['File', 'Change', 'Lines'], rows),
    hidden > 0 ? `… and ${hidden} more.` : null,
    changes.some(({ generated }) => generated === true)
      ? '“Generated” is what `.gitattributes` calls so. GitHub folds it: look at it all the same, since it was changed.'
      : null,
    leftOut.length === 0
      ? null
      : `Left out, since tools made it on the way: ${leftOut.map(toLeftOut).join(', ')}.`,
  ]
    .filter((part) => part !== null)
    .join('\n\n');
}

function toLeftOut({ path, what, files }: NonNullable<AttemptResult['leftOut']>[number]): string {
  return `${toCode(path, 120)} (${toInline(what, 100)}${path.endsWith('/') ? `, ${formatCount(files, 'file')}` : ''})`;
}

function toLines({ added, removed }: FileChange): string {
  return added === null || removed === null ? 'binary' : `+${added} −${removed}`;
}
