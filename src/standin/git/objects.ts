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

const fieldEnd = '\u001f';
const logFormat = ['%H', '%T', '%P', '%an', '%ae', '%aI', '%cn', '%ce', '%cI', '%B'].join('%x1f');

/**
 * Reads objects out of bare repositories. Shas and paths given here must come from git or be checked by the
 * caller.
 */
export function createObjects(git: Git) {
  /** The object a name stands for, or null. Names are branches, tags, `heads/x`, full refs or shas. */
  async function resolve(
    folder: string,
    name: string,
    kind: 'commit' | 'tree' | 'blob' | 'object' = 'commit',
  ) {
    if (name.startsWith('-') || /[\s\0^~:?*[\\{}]/.test(name)) return null;
    const result = await git.run(folder, ['rev-parse', '--verify', '--quiet', `${name}^{${kind}}`], {
      allowed: [0, 1, 128],
    });
    return result.exitCode === 0 ? result.stdout.toString('utf8').trim() : null;
  }

  async function type(folder: string, sha: string): Promise<string | null> {
    const result = await git.run(folder, ['cat-file', '-t', sha], { allowed: [0, 128] });
    return result.exitCode === 0 ? result.stdout.toString('utf8').trim() : null;
  }

  /** Commits of a range in git's own order, newest first. */
  async function log(
    folder: string,
    range: readonly string[],
    more: readonly string[] = [],
  ): Promise<Commit[]> {
    const args = ['log', '-z', `--format=${logFormat}`, ...more, ...range, '--'];
    return (await git.text(folder, args))
      .split('\0')
      .filter((record) => record !== '')
      .map(toCommit);
  }

  async function commit(folder: string, sha: string): Promise<Commit> {
    const [found] = await log(folder, [sha], ['-1']);
    if (!found) throw new Error(`No commit ${sha} in ${folder}`);
    return found;
  }

  async function tree(folder: string, sha: string, recursive: boolean): Promise<TreeEntry[]> {
    const args = ['ls-tree', '-z', '--long', ...(recursive ? ['-r', '-t'] : []), sha];
    return (await git.text(folder, args)).split('\0').filter(Boolean).map(toTreeEntry);
  }

  /** The entry at a path of a commit, or null; the root is a tree. */
  async function entryAt(folder: string, commitSha: string, path: string): Promise<TreeEntry | null> {
    if (path === '') {
      const sha = await resolve(folder, commitSha, 'tree');
      return sha === null ? null : { mode: '040000', type: 'tree', sha, size: null, path: '' };
    }
    const args = ['--literal-pathspecs', 'ls-tree', '-z', '--long', commitSha, '--', path];
    const [first] = (await git.text(folder, args)).split('\0').filter(Boolean);
    return first === undefined ? null : toTreeEntry(first);
  }

  async function blob(folder: string, sha: string): Promise<Buffer> {
    return (await git.run(folder, ['cat-file', 'blob', sha])).stdout;
  }

  /** Files that differ between two trees or commits. */
  async function changes(folder: string, from: string, to: string): Promise<FileChange[]> {
    const common = ['diff', '--no-color', '--no-ext-diff', '--no-textconv', '-M', from, to];
    const [raw, numbers, patches] = await Promise.all([
      git.text(folder, [...common, '--raw', '-z', '--abbrev=40', '--']),
      git.text(folder, [...common, '--numstat', '-z', '--']),
      git.text(folder, [...common, '--patch', '--']),
    ]);
    return joinChanges(raw, numbers, patches);
  }

  async function isAncestor(folder: string, ancestor: string, descendant: string): Promise<boolean> {
    const args = ['merge-base', '--is-ancestor', ancestor, descendant];
    return (await git.run(folder, args, { allowed: [0, 1] })).exitCode === 0;
  }

  async function mergeBase(folder: string, a: string, b: string): Promise<string | null> {
    const result = await git.run(folder, ['merge-base', a, b], { allowed: [0, 1] });
    return result.exitCode === 0 ? result.stdout.toString('utf8').trim() : null;
  }

  async function count(folder: string, range: string): Promise<number> {
    return Number(await git.text(folder, ['rev-list', '--count', range, '--']));
  }

  return { resolve, type, log, commit, tree, entryAt, blob, changes, isAncestor, mergeBase, count };
}

export type Objects = ReturnType<typeof createObjects>;

function toCommit(record: string): Commit {
  const [sha = '', tree = '', parents = '', an = '', ae = '', ad = '', cn = '', ce = '', cd = '', ...body] =
    record.split(fieldEnd);
  return {
    sha,
    tree,
    parents: parents.split(' ').filter(Boolean),
    author: { name: an, email: ae, date: ad },
    committer: { name: cn, email: ce, date: cd },
    message: body.join(fieldEnd).replace(/\n+$/, ''),
  };
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

/** All three outputs list the files in the same order. */
function joinChanges(raw: string, numbers: string, patches: string): FileChange[] {
  const patchTexts = patches === '' ? [] : patches.split(/^(?=diff --git )/m);
  const lines = numstatLines(numbers);
  return rawEntries(raw).map((entry, index) => {
    const [additions = 0, deletions = 0] = lines[index] ?? [];
    const hunks = /^@@[\s\S]*/m.exec(patchTexts[index] ?? '');
    return { ...entry, additions, deletions, patch: hunks?.[0].replace(/\n$/, '') };
  });
}

function rawEntries(raw: string): Pick<FileChange, 'status' | 'path' | 'previousPath' | 'sha'>[] {
  const parts = raw.split('\0').filter(Boolean);
  const entries: Pick<FileChange, 'status' | 'path' | 'previousPath' | 'sha'>[] = [];
  for (let at = 0; at < parts.length;) {
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
  return entries;
}

/** Added and removed lines for each file; a rename's numbers are followed by two separate names. */
function numstatLines(numbers: string): [additions: number, deletions: number][] {
  const parts = numbers.split('\0').filter(Boolean);
  const lines: [number, number][] = [];
  for (let at = 0; at < parts.length;) {
    const [added = '0', deleted = '0', path = ''] = (parts[at] ?? '').split('\t');
    lines.push([Number(added) || 0, Number(deleted) || 0]);
    at += path === '' ? 3 : 1;
  }
  return lines;
}
