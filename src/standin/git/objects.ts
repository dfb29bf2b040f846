import { createObjectReader } from './object-reader.ts';
import type { Git } from './run-git.ts';

export const zeroSha = '0'.repeat(40);
export const emptyTreeSha = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

export type Signature = { name: string; email: string; date: string };

export type Commit = {
  sha: string;
  tree: string;
  parents: string[];
  author: Signature;
  committer: Signature;
  message: string;
};

export type TreeEntry = { mode: string; type: string; sha: string; size: number | null; path: string };

export type FileChange = {
  /** As `git diff` sees it; a rename carries both names. */
  status: 'added' | 'removed' | 'modified' | 'renamed' | 'changed';
  path: string;
  previousPath: string | null;
  sha: string;
  additions: number;
  deletions: number;
  patch: string | undefined;
};

/**
 * Reads objects out of bare repositories. Shas and paths given here must come from git or be checked by the
 * caller.
 */
export function createObjects(git: Git) {
  const reader = createObjectReader(git);
  const once = createMemory();

  /** The object a name stands for, or null. Names are branches, tags, `heads/x`, full refs or shas. */
  async function resolve(
    folder: string,
    name: string,
    kind: 'commit' | 'tree' | 'blob' | 'object' = 'commit',
  ) {
    if (name.startsWith('-') || /[\s\0^~:?*[\\{}]/.test(name)) return null;
    return (await reader.read(folder, `${name}^{${kind}}`))?.sha ?? null;
  }

  async function type(folder: string, sha: string): Promise<string | null> {
    return (await reader.read(folder, sha))?.type ?? null;
  }

  /** Commits of a range in git's own order, newest first. */
  async function log(
    folder: string,
    range: readonly string[],
    more: readonly string[] = [],
  ): Promise<Commit[]> {
    const shas = await git.text(folder, ['rev-list', ...more, ...range, '--']);
    return Promise.all(
      shas
        .split('\n')
        .filter(Boolean)
        .map((sha) => commit(folder, sha)),
    );
  }

  async function commit(folder: string, sha: string): Promise<Commit> {
    const found = await reader.read(folder, sha);
    if (found?.type !== 'commit') throw new Error(`No commit ${sha} in ${folder}`);
    return readCommit(found);
  }

  async function tree(folder: string, sha: string, recursive: boolean): Promise<readonly TreeEntry[]> {
    const args = ['ls-tree', '-z', '--long', ...(recursive ? ['-r', '-t'] : []), sha];
    return once([folder, `tree ${recursive}`, sha], async () =>
      (await git.text(folder, args)).split('\0').filter(Boolean).map(toTreeEntry),
    );
  }

  /** The entry at a path of a commit, or null; the root is a tree. */
  async function entryAt(folder: string, commitSha: string, path: string): Promise<TreeEntry | null> {
    if (path === '') {
      const sha = await resolve(folder, commitSha, 'tree');
      return sha === null ? null : { mode: '040000', type: 'tree', sha, size: null, path: '' };
    }
    const args = ['--literal-pathspecs', 'ls-tree', '-z', '--long', commitSha, '--', path];
    return once([folder, `entry ${path}`, commitSha], async () => {
      const [first] = (await git.text(folder, args)).split('\0').filter(Boolean);
      return first === undefined ? null : toTreeEntry(first);
    });
  }

  async function blob(folder: string, sha: string): Promise<Buffer> {
    const found = await reader.read(folder, sha);
    if (found?.type !== 'blob') throw new Error(`No blob ${sha} in ${folder}`);
    return found.content;
  }

  /** Files that differ between two trees or commits. */
  async function changes(folder: string, from: string, to: string): Promise<readonly FileChange[]> {
    const format = ['--no-color', '--no-ext-diff', '--no-textconv', '--raw', '--numstat', '--patch', '-z'];
    return once([folder, 'changes', from, to], async () =>
      toChanges(await git.text(folder, ['diff', ...format, '--abbrev=40', '-M', from, to, '--'])),
    );
  }

  async function isAncestor(folder: string, ancestor: string, descendant: string): Promise<boolean> {
    const args = ['merge-base', '--is-ancestor', ancestor, descendant];
    return once(
      [folder, 'is-ancestor', ancestor, descendant],
      async () => (await git.run(folder, args, { allowed: [0, 1] })).exitCode === 0,
    );
  }

  async function mergeBase(folder: string, a: string, b: string): Promise<string | null> {
    return once([folder, 'merge-base', a, b], async () => {
      const result = await git.run(folder, ['merge-base', a, b], { allowed: [0, 1] });
      return result.exitCode === 0 ? result.stdout.toString('utf8').trim() : null;
    });
  }

  /** How many commits are reachable from `to` and not from `from`. */
  async function count(folder: string, from: string, to: string): Promise<number> {
    return once([folder, 'count', from, to], async () =>
      Number(await git.text(folder, ['rev-list', '--count', `${from}..${to}`, '--'])),
    );
  }

  return {
    read: reader.read,
    resolve,
    type,
    log,
    commit,
    tree,
    entryAt,
    blob,
    changes,
    isAncestor,
    mergeBase,
    count,
  };
}

export type Objects = ReturnType<typeof createObjects>;

/** A commit in git's own form: header lines, an empty line, the message. */
function readCommit({ sha, content }: { sha: string; content: Buffer }): Commit {
  const text = content.toString('utf8');
  const headerEnd = text.indexOf('\n\n');
  const commit: Commit = {
    sha,
    tree: '',
    parents: [],
    author: readSignature(''),
    committer: readSignature(''),
    message: text.slice(headerEnd + 2).replace(/\n+$/, ''),
  };
  for (const line of text.slice(0, headerEnd).split('\n')) {
    const [, name, value = ''] = /^(tree|parent|author|committer) (.*)$/.exec(line) ?? [];
    if (name === 'tree') commit.tree = value;
    else if (name === 'parent') commit.parents.push(value);
    else if (name === 'author' || name === 'committer') commit[name] = readSignature(value);
  }
  return commit;
}

/** `Name <mail> seconds zone`. */
function readSignature(text: string): Signature {
  const [, name = '', email = '', seconds = '0'] = /^(.*?) ?<(.*)> (\d+) [+-]\d{4}$/.exec(text) ?? [];
  return { name, email, date: new Date(Number(seconds) * 1000).toISOString() };
}

function toTreeEntry(line: string): TreeEntry {
  const tab = line.indexOf('\t');
  const [mode = '', type = '', sha = '', size = '-'] = line.slice(0, tab).split(/ +/);
  return { mode, type, sha, size: size === '-' ? null : Number(size), path: line.slice(tab + 1) };
}

const statusWords: Record<string, FileChange['status']> = {
  A: 'added',
  D: 'removed',
  M: 'modified',
  R: 'renamed',
  T: 'changed',
};

/** One diff told three times: raw entries, numbers of lines, patches; the files in the same order. */
function toChanges(output: string): FileChange[] {
  const patchStart = output.indexOf('\0\0');
  if (patchStart < 0) return [];
  const { entries, rest } = takeRawEntries(output.slice(0, patchStart).split('\0'));
  const lines = numstatLines(rest);
  const patchTexts = output.slice(patchStart + 2).split(/^(?=diff --git )/m);
  return entries.map((entry, index) => {
    const [additions = 0, deletions = 0] = lines[index] ?? [];
    const hunks = /^@@[\s\S]*/m.exec(patchTexts[index] ?? '');
    return { ...entry, additions, deletions, patch: hunks?.[0].replace(/\n$/, '') };
  });
}

function takeRawEntries(parts: readonly string[]) {
  const entries: Pick<FileChange, 'status' | 'path' | 'previousPath' | 'sha'>[] = [];
  let at = 0;
  while (parts[at]?.startsWith(':')) {
    const [, , oldSha = '', newSha = '', letter = 'M'] = (parts[at] ?? '').split(' ');
    const renamed = letter.startsWith('R');
    entries.push({
      status: statusWords[letter.charAt(0)] ?? 'changed',
      path: parts[at + (renamed ? 2 : 1)] ?? '',
      previousPath: renamed ? (parts[at + 1] ?? null) : null,
      sha: newSha === zeroSha ? oldSha : newSha,
    });
    at += renamed ? 3 : 2;
  }
  return { entries, rest: parts.slice(at) };
}

/** Added and removed lines for each file; a rename's numbers are followed by two separate names. */
function numstatLines(parts: readonly string[]): [additions: number, deletions: number][] {
  const lines: [number, number][] = [];
  for (let at = 0; at < parts.length;) {
    const [added = '0', deleted = '0', path = ''] = (parts[at] ?? '').split('\t');
    lines.push([Number(added) || 0, Number(deleted) || 0]);
    at += path === '' ? 3 : 1;
  }
  return lines;
}

/** Remembers what was said of objects, which never change; what is asked of names, and what failed, is asked again. */
function createMemory() {
  const known = new Map<string, Promise<unknown>>();

  return function once<T>([folder, what, ...shas]: readonly string[], ask: () => Promise<T>): Promise<T> {
    if (!shas.every((sha) => /^[0-9a-f]{40}$/.test(sha))) return ask();
    const key = [folder, what, ...shas].join('\0');
    const earlier = known.get(key);
    if (earlier !== undefined) return earlier as Promise<T>;
    const answer = ask();
    known.set(key, answer);
    answer.catch(() => known.delete(key));
    return answer;
  };
}
