import type { FileChange } from '../../contract/attempt-result.ts';

/** One path that differs, as `git diff-index --raw` tells it. */
export type RawChange = {
  path: string;
  /** Of the new side; `000000` when it is deleted. */
  mode: string;
  /** Of the new side's content. */
  objectId: string;
  status: FileChange['status'];
  /** Of the old side. */
  oldMode: string;
  oldObjectId: string;
};

/** Reads `--raw -z` without abbreviations. A rename counts with its new path. */
export function parseRaw(output: string): RawChange[] {
  return readRecords(output).changes;
}

/** Reads `--raw --numstat -z` without abbreviations: git prints all of the one, then all of the other. */
export function parseRawAndNumstat(output: string): FileChange[] {
  const { changes, rest } = readRecords(output);
  const lines = readNumstat(rest);
  return changes.map(({ path, status }) => ({ path, status, ...(lines.get(path) ?? UNKNOWN_LINES) }));
}

const UNKNOWN_LINES = { added: null, removed: null };

/** `:<old mode> <new mode> <old id> <new id> <status><score>` NUL path NUL, and the new path NUL for renames. */
function readRecords(output: string): { changes: RawChange[]; rest: string[] } {
  const fields = output.split('\0');
  const changes: RawChange[] = [];
  let at = 0;
  for (; fields[at]?.startsWith(':');) {
    const [oldMode = '', mode = '', oldObjectId = '', objectId = '', letter = ''] = (fields[at] ?? '')
      .slice(1)
      .split(' ');
    const isRename = letter.startsWith('R');
    const path = fields[at + (isRename ? 2 : 1)] ?? '';
    const onlyMode = oldObjectId === objectId && oldMode !== mode;
    changes.push({ path, mode, objectId, status: toStatus(letter, onlyMode), oldMode, oldObjectId });
    at += isRename ? 3 : 2;
  }
  return { changes, rest: fields.slice(at) };
}

function toStatus(letter: string, onlyMode: boolean): FileChange['status'] {
  switch (letter.charAt(0)) {
    case 'A':
      return 'added';
    case 'D':
      return 'deleted';
    case 'R':
      return 'renamed';
    default:
      return onlyMode ? 'mode' : 'modified';
  }
}

/** `<added> TAB <removed> TAB path` NUL; for renames the path is empty, and old and new path follow. */
function readNumstat(fields: string[]): Map<string, { added: number | null; removed: number | null }> {
  const lines = new Map<string, { added: number | null; removed: number | null }>();
  for (let at = 0; at < fields.length; at += 1) {
    const match = /^([0-9]+|-)\t([0-9]+|-)\t([^]*)$/.exec(fields[at] ?? '');
    if (match === null) continue;
    let path = match[3] ?? '';
    if (path === '') {
      path = fields[at + 2] ?? '';
      at += 2;
    }
    lines.set(path, { added: toCount(match[1]), removed: toCount(match[2]) });
  }
  return lines;
}

/** Binary files have `-`. */
function toCount(text: string | undefined): number | null {
  return text === undefined || text === '-' ? null : Number(text);
}
