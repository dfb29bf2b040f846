import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileChange } from '../../contract/attempt-result.ts';
import type { ChangedEntry } from '../../domain/change-policy.ts';
import type { Git, GitPlace } from './git.ts';
import { parseRaw, parseRawAndNumstat, type RawChange } from './parse-diff.ts';

/** What differs between the base and a tree that was written before. Files of the work tree have no say in it. */
export type TreeDiff = {
  changes(tree: string): Promise<FileChange[]>;
  entries(tree: string): Promise<ChangedEntryWithTarget[]>;
  patch(tree: string, maxBytes: number): Promise<string>;
  files(tree: string): Promise<string[]>;
  /** Writes the whole difference to a commit, binary files too, into a new file. */
  writePatch(from: string, tree: string, file: string): Promise<void>;
  /** Whether a line with this text stands in any file of the base. */
  baseHas(text: string): Promise<boolean>;
};

export type ChangedEntryWithTarget = Required<ChangedEntry>;

const SYMLINK = '120000';
/** More changed paths than this are refused anyway; a target costs a process. */
const MAX_LINKS_READ = 300;

const DIFF = ['diff-tree', '-r', '--no-ext-diff', '--no-textconv', '--ignore-submodules=all'];

export function createTreeDiff(options: {
  git: Git;
  /** Has the objects of the base and of the trees. */
  gitDir: string;
  base: string;
  signal: AbortSignal;
}): TreeDiff {
  const { git, gitDir, base, signal } = options;
  const place: GitPlace = { gitDir, signal };
  let indexes = 0;

  async function changes(tree: string): Promise<FileChange[]> {
    const args = [...DIFF, '-z', '--raw', '--numstat', '--no-abbrev', '-M', base, tree];
    return await markGenerated(parseRawAndNumstat(await git.run(args, place)), tree);
  }

  /** By the tree's own `.gitattributes`, since that is what GitHub folds by. */
  async function markGenerated(found: FileChange[], tree: string): Promise<FileChange[]> {
    if (found.length === 0) return found;
    const rules = ['--', ':(glob)**/.gitattributes'];
    const search = ['grep', '--files-with-matches', '--text', '--fixed-strings', 'linguist-generated', tree];
    // 1: it is nowhere.
    if ((await git.run([...search, ...rules], { ...place, alsoFine: 1 })) === '') return found;
    const generated = parseGenerated(await readAttribute('linguist-generated', tree, found));
    return found.map((change) => (generated.has(change.path) ? { ...change, generated: true } : change));
  }

  /** From an index of its own: attributes come from a work tree otherwise, and several may ask at once. */
  async function readAttribute(name: string, tree: string, changes: readonly FileChange[]): Promise<string> {
    const index = join(gitDir, `attributes-index-${base.slice(0, 12)}-${(indexes += 1)}`);
    const inIndex = { ...place, variables: { GIT_INDEX_FILE: index } };
    try {
      await git.run(['read-tree', tree], inIndex);
      const input = changes.map(({ path }) => `${path}\0`).join('');
      return await git.run(['check-attr', '--cached', '-z', '--stdin', name], { ...inIndex, input });
    } finally {
      await rm(index, { force: true });
    }
  }

  async function entries(tree: string): Promise<ChangedEntryWithTarget[]> {
    const args = [...DIFF, '-z', '--raw', '--no-abbrev', '--no-renames', base, tree];
    const found: ChangedEntryWithTarget[] = [];
    const changed = parseRaw(await git.run(args, place));
    const bytes = await measure(changed.filter(hasContent).map(({ objectId }) => objectId));
    let links = 0;
    for (const { path, mode, objectId } of changed) {
      const isLink = mode === SYMLINK && (links += 1) <= MAX_LINKS_READ;
      const linkTarget = isLink ? await git.run(['cat-file', 'blob', objectId], place) : null;
      found.push({ path, mode, linkTarget, bytes: bytes.get(objectId) ?? null });
    }
    return found;
  }

  async function measure(objectIds: string[]): Promise<Map<string, number>> {
    if (objectIds.length === 0) return new Map();
    const args = ['cat-file', '--batch-check=%(objectname) %(objectsize)'];
    const lines = (await git.run(args, { ...place, input: `${objectIds.join('\n')}\n` })).trim().split('\n');
    return new Map(
      lines.map((line) => {
        const [objectId = '', size] = line.split(' ');
        return [objectId, Number(size)];
      }),
    );
  }

  async function files(tree: string): Promise<string[]> {
    const listed = await git.run(['ls-tree', '-r', '-z', '--name-only', tree], place);
    return listed.split('\0').filter((path) => path !== '');
  }

  async function patch(tree: string, maxBytes: number): Promise<string> {
    // As text: a NUL byte must not hide what is in a file.
    return await git.readStart([...DIFF, '--patch', '--text', '-M', base, tree], maxBytes, place);
  }

  async function writePatch(from: string, tree: string, file: string): Promise<void> {
    await git.run([...DIFF, '--patch', '--binary', '-M', `--output=${file}`, from, tree], place);
  }

  async function baseHas(text: string): Promise<boolean> {
    const args = ['grep', '--files-with-matches', '--text', '--fixed-strings', '-f', '-', base];
    // By way of stdin: what is looked for may be a secret. 1: it is nowhere.
    return (await git.run(args, { ...place, input: `${text}\n`, alsoFine: 1 })) !== '';
  }

  return { changes, entries, patch, files, writePatch, baseHas };
}

/** Of `path NUL attribute NUL value NUL …`, the paths that have it. */
function parseGenerated(told: string): Set<string> {
  const fields = told.split('\0');
  const paths = new Set<string>();
  for (let at = 0; at + 2 < fields.length; at += 3) {
    if (['set', 'true'].includes(fields[at + 2] ?? '')) paths.add(fields[at] ?? '');
  }
  return paths;
}

/** Neither deleted nor a link to another repository. */
function hasContent({ mode }: RawChange): boolean {
  return mode !== '000000' && mode !== '160000';
}
