import { join } from 'node:path';
import type { Git, GitPlace } from './git.ts';
import { chooseLfsPaths } from './lfs-files.ts';
import { parseRaw } from './parse-diff.ts';

const DELETED = '000000';

/**
 * Paths that a tree adds or changes, and that belong in Git LFS by the attributes of the base or of the tree: as they stand in the tree, they
 * would be committed as large files, or as pointers to nothing.
 */
export async function findLfsChanges(
  options: {
    git: Git;
    base: string;
    tree: string;
    /** Also pointers that were only moved. */
    withMoves: boolean;
  } & Required<Omit<GitPlace, 'workTree'>>,
): Promise<string[]> {
  const { git, base, tree, gitDir, signal } = options;
  const place = { gitDir, signal };
  // 1: Git LFS is not used at all.
  const args = [
    'grep',
    '--files-with-matches',
    '-e',
    'filter=lfs',
    base,
    tree,
    '--',
    ':(glob)**/.gitattributes',
  ];
  if ((await git.run(args, { ...place, alsoFine: 1 })) === '') return [];
  const diff = ['diff-tree', '-r', '-z', '--raw', '--no-abbrev', '--no-renames', base, tree];
  const changes = parseRaw(await git.run(diff, place));
  // A pointer that was only moved, or whose mode changed, is as good as before.
  const before = new Set(changes.map(({ oldObjectId }) => oldObjectId));
  const paths = changes
    .filter(({ mode, objectId }) => mode !== DELETED && (options.withMoves || !before.has(objectId)))
    .map(({ path }) => path);
  const found = new Set<string>();
  for (const treeish of [base, tree]) {
    const variables = { GIT_INDEX_FILE: join(gitDir, 'attributes-index') };
    await git.run(['read-tree', '--reset', treeish], { ...place, variables });
    for (const path of await chooseLfsPaths({ ...place, variables }, git, paths)) found.add(path);
  }
  return [...found].sort();
}
