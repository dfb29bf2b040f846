import { join } from 'node:path';
import type { Git, GitPlace } from './git.ts';
import { chooseLfsPaths } from './lfs-files.ts';

/**
 * Paths that a tree adds or changes, and that belong in Git LFS by the attributes of the base or of the tree: as they stand in the tree, they
 * would be committed as large files, or as pointers to nothing.
 */
export async function findLfsChanges(
  options: { git: Git; base: string; tree: string } & Required<Omit<GitPlace, 'workTree'>>,
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
  const diff = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--diff-filter=AMT', base, tree];
  const paths = (await git.run(diff, place)).split('\0').filter((path) => path !== '');
  const found = new Set<string>();
  for (const treeish of [base, tree]) {
    const variables = { GIT_INDEX_FILE: join(gitDir, 'attributes-index') };
    await git.run(['read-tree', '--reset', treeish], { ...place, variables });
    for (const path of await chooseLfsPaths({ ...place, variables }, git, paths)) found.add(path);
  }
  return [...found].sort();
}
