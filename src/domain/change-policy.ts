import type { FileChange } from '../contract/job.ts';

/** A changed path as it would be committed. */
export type ChangedEntry = {
  path: string;
  /** Git's mode: `100644`, `100755`, `120000` (symbolic link), `160000` (gitlink), `000000` (deleted). */
  mode: string;
  /** Where a symbolic link points, word for word; `null` for everything else. */
  linkTarget?: string | null;
};

/** Whether work may be published; when not, a sentence for each thing in the way, fit to be shown on GitHub. */
export type ChangeVerdict = { ok: true } | { ok: false; reasons: string[] };

const MAX_FILES = 300;
const MAX_LINES = 20_000;
/** More of them help nobody, and a report has its limits. */
const MAX_REASONS = 20;

/** What GitHub runs with the rights of the repository as soon as it is pushed. */
const PROTECTED_FOLDERS = ['.github/workflows', '.github/actions'];

/**
 * Decides whether changes may leave the runner at all, whatever the tests say. `changes` is what people will see;
 * `entries` is every path that differs, with both sides of a rename, so that nothing protected can be renamed away.
 */
export function judgeChanges(work: {
  changes: readonly FileChange[];
  entries: readonly ChangedEntry[];
}): ChangeVerdict {
  const paths = new Set([
    ...work.entries.map((entry) => entry.path),
    ...work.changes.map((change) => change.path),
  ]);
  const reasons = [
    ...[...paths].map(judgePath),
    ...work.entries.map(judgeEntry),
    judgeFiles(paths.size),
    judgeLines(work.changes),
  ].filter((reason) => reason !== null);
  if (reasons.length === 0) return { ok: true };
  return { ok: false, reasons: cut(reasons) };
}

function judgePath(path: string): string | null {
  if (path.split('/').some(isGitFolder)) {
    return `${quote(path)} would be part of a git directory: remove it from the change.`;
  }
  const folder = PROTECTED_FOLDERS.find((folder) => isWithin(path.toLowerCase(), folder));
  if (folder === undefined) return null;
  return `${quote(path)} is in \`${folder}\`, which GitHub runs with the repository's own rights: a person has to make this change.`;
}

function judgeEntry(entry: ChangedEntry): string | null {
  if (entry.mode === '160000') {
    return `${quote(entry.path)} is a link to another repository (a submodule): a person has to add or move it.`;
  }
  if (entry.mode !== '120000') return null;
  const target = entry.linkTarget ?? '';
  if (staysInside(entry.path, target)) return null;
  return `${quote(entry.path)} is a symbolic link to ${quote(target)}, which leads out of the repository: make it a file, or link to a path inside.`;
}

function judgeFiles(count: number): string | null {
  if (count <= MAX_FILES) return null;
  return `The change touches ${count} files, more than the ${MAX_FILES} that a person can be asked to review: split the issue into smaller ones.`;
}

function judgeLines(changes: readonly FileChange[]): string | null {
  const count = changes.reduce((sum, change) => sum + (change.added ?? 0) + (change.removed ?? 0), 0);
  if (count <= MAX_LINES) return null;
  return `The change has ${count} added and removed lines, more than the limit of ${MAX_LINES}: split the issue into smaller ones, or keep generated files out of it.`;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** `.git` as any file system may spell it: without case, as an 8.3 name, with ignored characters, dots, streams. */
function isGitFolder(part: string): boolean {
  const name = part
    .replaceAll(/[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, '')
    .toLowerCase()
    .replace(/:.*$/, '')
    .replace(/[. ]+$/, '');
  return name === '.git' || /^git~[0-9]+$/.test(name);
}

/**
 * Whether a link leads to a place inside the tree, by the look of it. `..` counts only at the front: behind a folder
 * that may itself be a link, nobody can tell where it leads.
 */
function staysInside(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\\') || target.includes('\0')) return false;
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const down = parts.findIndex((part) => part !== '..');
  const ups = down === -1 ? parts.length : down;
  const rest = parts.slice(ups);
  if (rest.includes('..') || rest.some(isGitFolder)) return false;
  return ups <= path.split('/').length - 1;
}

/** A path or target as inline code in Markdown: it cannot end the code, ping anybody or hide anything. */
function quote(text: string): string {
  const plain = text.replaceAll(/[\p{C}`\u2028\u2029]/gu, '?');
  return `\`${plain.length > 200 ? `${plain.slice(0, 200)}…` : plain}\``;
}

function cut(reasons: string[]): string[] {
  if (reasons.length <= MAX_REASONS) return reasons;
  const left = reasons.length - MAX_REASONS;
  return [...reasons.slice(0, MAX_REASONS), `${left} more of this kind: mend these first.`];
}
