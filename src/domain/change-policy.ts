import type { FileChange, PolicyFinding } from '../contract/attempt-result.ts';
import type { JobSettings } from '../contract/job.ts';
import { toPathMatcher } from './path-patterns.ts';
import { LOCK_FILES, PROTECTIONS, type Protection } from './protected-paths.ts';

/** A changed path as it would be committed. */
export type ChangedEntry = {
  path: string;
  /** Git's mode: `100644`, `100755`, `120000` (symbolic link), `160000` (gitlink), `000000` (deleted). */
  mode: string;
  /** Where a symbolic link points, word for word; `null` for everything else. */
  linkTarget?: string | null;
  /** Of the new content; absent or `null` when it was not measured. */
  bytes?: number | null;
};

/** What the repository's settings say about changes. */
export type ChangeRules = Pick<JobSettings, 'allowedPaths' | 'protectedPaths' | 'unprotectedPaths'>;

/** A secret that the work would add, without the secret. */
export type SecretFinding = { path: string; line: number; rule: string };

/**
 * Whether work may be published; when not, a sentence for each rule in the way, fit to be shown on GitHub. `mayBePushed`: whether it
 * may at least be put on a branch for people to look at: not what would run there at once, tell a secret, or stay in the history for ever.
 * `findings`: all places that a rule is against.
 */
export type ChangeVerdict =
  { ok: true } | { ok: false; reasons: string[]; mayBePushed: boolean; findings: PolicyFinding[] };

type Objection = { reason: string; mayBePushed: boolean; findings: PolicyFinding[] };

/** `told`: in place of the path, in Markdown. */
type Found = { path: string; line?: number; rule: string; told?: string };

const MAX_FILES = 300;
const MAX_LINES = 20_000;
const MAX_FILE_BYTES = 5 * 1024 * 1024;
const MAX_BINARY_BYTES = 1024 * 1024;
const MAX_BINARIES = 20;
/** More of them help nobody, and a report has its limits. */
const MAX_NAMED = 3;
const MAX_NAME = 100;

/**
 * Decides whether changes may leave the runner at all, whatever the tests say. `changes` is what people will see;
 * `entries` is every path that differs, with both sides of a rename, so that nothing protected can be renamed away.
 */
export function judgeChanges(work: {
  changes: readonly FileChange[];
  entries: readonly ChangedEntry[];
  rules?: ChangeRules;
  secrets?: readonly SecretFinding[];
}): ChangeVerdict {
  const paths = [
    ...new Set([...work.entries.map((entry) => entry.path), ...work.changes.map((change) => change.path)]),
  ];
  const rules = work.rules ?? {};
  const objections = [
    judgeSecrets(work.secrets ?? []),
    judgeGitFolders(paths),
    ...judgeProtected(paths, rules),
    judgeAllowed(paths, rules),
    judgeGitlinks(work.entries),
    judgeLinks(work.entries),
    judgeLockFiles(paths, rules),
    ...judgeSizes(work),
    judgeFiles(paths.length),
    judgeLines(work.changes),
  ].filter((objection) => objection !== null);
  if (objections.length === 0) return { ok: true };
  return {
    ok: false,
    reasons: objections.map(({ reason }) => reason),
    mayBePushed: objections.every(({ mayBePushed }) => mayBePushed),
    findings: objections.flatMap(({ findings }) => findings),
  };
}

function judgeSecrets(secrets: readonly SecretFinding[]): Objection | null {
  const places = secrets.map(({ path, line, rule }) => ({
    path,
    line,
    rule: `looks like a secret (${rule})`,
    told: `${quote(path)} line ${line} (${rule})`,
  }));
  return object(places, false, (list) => `What looks like a secret would be added: ${list}.`);
}

function judgeGitFolders(paths: readonly string[]): Objection | null {
  const found = paths
    .filter((path) => path.split('/').some(isGitFolder))
    .map((path) => ({ path, rule: 'would be part of a git directory' }));
  return object(
    found,
    false,
    (list) => `${list} would be part of a git directory, which no commit may hold.`,
  );
}

function judgeProtected(paths: readonly string[], rules: ChangeRules): (Objection | null)[] {
  const isFree = toPathMatcher(rules.unprotectedPaths ?? []);
  const own: Protection = {
    what: 'among the `protected_paths` of the settings',
    patterns: rules.protectedPaths ?? [],
    runsWhenPushed: false,
  };
  const all = [...PROTECTIONS, own].map((protection) => ({
    ...protection,
    isFor: toPathMatcher(protection.patterns),
  }));
  const byProtection = Map.groupBy(paths, (path) =>
    all.find(({ isFor, always }) => isFor(path) && (always === true || !isFree(path))),
  );
  return [...byProtection].map(([protection, found]) => {
    if (protection === undefined) return null;
    const { what, runsWhenPushed, always } = protection;
    const act =
      always === true
        ? 'a person has to make this change'
        : 'a person has to make this change, or allow it in `unprotected_paths`';
    return object(
      found.map((path) => ({ path, rule: `is protected, since it is ${what}` })),
      !runsWhenPushed,
      (list) => `${list} is protected, since it is ${what}: ${act}.`,
    );
  });
}

function judgeAllowed(paths: readonly string[], { allowedPaths }: ChangeRules): Objection | null {
  if (allowedPaths === undefined) return null;
  const isAllowed = toPathMatcher(allowedPaths);
  const found = paths
    .filter((path) => !isAllowed(path))
    .map((path) => ({ path, rule: 'is outside the `allowed_paths` of this specialty' }));
  return object(
    found,
    true,
    (list) =>
      `${list} is outside the \`allowed_paths\` of this specialty: ask a specialty that may change it, or add it there.`,
  );
}

function judgeGitlinks(entries: readonly ChangedEntry[]): Objection | null {
  const found = entries
    .filter(({ mode }) => mode === '160000')
    .map(({ path }) => ({ path, rule: 'is a link to another repository (a submodule)' }));
  return object(
    found,
    false,
    (list) => `${list} is a link to another repository (a submodule): a person has to add or move it.`,
  );
}

function judgeLinks(entries: readonly ChangedEntry[]): Objection | null {
  const found = entries
    .filter(({ path, mode, linkTarget }) => mode === '120000' && !staysInside(path, linkTarget ?? ''))
    .map(({ path, linkTarget }) => ({
      path,
      rule: 'is a symbolic link, which leads out of the repository',
      told: `${quote(path)} (to ${quote(linkTarget ?? '')})`,
    }));
  return object(
    found,
    false,
    (list) =>
      `${list} is a symbolic link, which leads out of the repository: make it a file, or link to a path inside.`,
  );
}

/** What is locked must follow from what a person can read. */
function judgeLockFiles(paths: readonly string[], rules: ChangeRules): Objection | null {
  const isFree = toPathMatcher(rules.unprotectedPaths ?? []);
  const found = paths.flatMap((path) => {
    const { folder, name } = splitPath(path);
    const kind = LOCK_FILES.find(({ lock }) => lock.test(name));
    if (kind === undefined || isFree(path)) return [];
    const hasReason = paths.some((other) => {
      const manifest = splitPath(other);
      return kind.manifest.test(manifest.name) && isWithin(manifest.folder, folder);
    });
    const rule = `is a lock file that was changed without ${kind.named}`;
    return hasReason ? [] : [{ path, rule, told: `${quote(path)} (without a change of ${kind.named})` }];
  });
  return object(
    found,
    true,
    (list) =>
      `The lock file ${list} was changed: a person has to make this change, or allow it in \`unprotected_paths\`.`,
  );
}

function judgeSizes(work: {
  changes: readonly FileChange[];
  entries: readonly ChangedEntry[];
}): (Objection | null)[] {
  const binaries = new Set(
    work.changes
      .filter(({ added, status }) => added === null && status !== 'deleted')
      .map(({ path }) => path),
  );
  const found = work.entries.filter(
    ({ path, bytes }) => (bytes ?? 0) > (binaries.has(path) ? MAX_BINARY_BYTES : MAX_FILE_BYTES),
  );
  return [
    object(
      found.map(({ path, bytes }) => ({
        path,
        rule: 'is larger than a change may add',
        told: `${quote(path)} (${toMegabytes(bytes ?? 0)})`,
      })),
      false,
      (list) =>
        `${list} is larger than a change may add (${toMegabytes(MAX_BINARY_BYTES)} for a binary file, ${toMegabytes(MAX_FILE_BYTES)} for any other): keep it elsewhere.`,
    ),
    binaries.size <= MAX_BINARIES
      ? null
      : {
          reason: `The change has ${binaries.size} binary files, more than the ${MAX_BINARIES} that a person can be asked to look at: keep them elsewhere.`,
          mayBePushed: false,
          findings: [],
        },
  ];
}

function judgeFiles(count: number): Objection | null {
  if (count <= MAX_FILES) return null;
  return {
    reason: `The change touches ${count} files, more than the ${MAX_FILES} that a person can be asked to review: split the issue into smaller ones.`,
    mayBePushed: true,
    findings: [],
  };
}

function judgeLines(changes: readonly FileChange[]): Objection | null {
  const count = changes.reduce((sum, change) => sum + (change.added ?? 0) + (change.removed ?? 0), 0);
  if (count <= MAX_LINES) return null;
  return {
    reason: `The change has ${count} added and removed lines, more than the limit of ${MAX_LINES}: split the issue into smaller ones, or keep generated files out of it.`,
    mayBePushed: true,
    findings: [],
  };
}

/** One sentence for all that a rule found; `null` when it found nothing. */
function object(
  found: readonly Found[],
  mayBePushed: boolean,
  say: (list: string) => string,
): Objection | null {
  if (found.length === 0) return null;
  const left = found.length - MAX_NAMED;
  const named = found.slice(0, MAX_NAMED).map(({ path, told }) => told ?? quote(path));
  const list = [...named, ...(left > 0 ? [`${left} more`] : [])];
  const findings = found.map(({ path, line = null, rule }) => ({ path, line, rule }));
  return { reason: say(list.join(', ')), mayBePushed, findings };
}

function splitPath(path: string): { folder: string; name: string } {
  const at = path.lastIndexOf('/');
  return { folder: at === -1 ? '' : path.slice(0, at), name: path.slice(at + 1) };
}

function isWithin(path: string, folder: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
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

function toMegabytes(bytes: number): string {
  return `${(bytes / (1024 * 1024)).toFixed(1).replace(/\.0$/, '')} MB`;
}

/** A path or target as inline code in Markdown: it cannot end the code, ping anybody or hide anything. */
function quote(text: string): string {
  const plain = text.replaceAll(/[\p{C}`\u2028\u2029]/gu, '?');
  return `\`${plain.length > MAX_NAME ? `…${plain.slice(-MAX_NAME)}` : plain}\``;
}
