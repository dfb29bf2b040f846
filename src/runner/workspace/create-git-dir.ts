import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * What set-up, tests and editors leave behind in a repository that doesn't ignore it: nobody wants that in a change. Files that
 * are tracked already stay tracked.
 */
const NEVER_COMMITTED = [
  'node_modules/',
  '__pycache__/',
  '*.py[cod]',
  '*.egg-info/',
  '.pytest_cache/',
  '.mypy_cache/',
  '.ruff_cache/',
  '.tox/',
  '.venv/',
  '.gradle/',
  '.nox/',
  '.hypothesis/',
  '.ipynb_checkpoints/',
  '.nyc_output/',
  '.turbo/',
  '.terraform/',
  '.elixir_ls/',
  '.eslintcache',
  '.stylelintcache',
  '.coverage',
  'npm-debug.log*',
  'yarn-error.log',
  '*.sw[op]',
  '.DS_Store',
  'Thumbs.db',
  '.yardmaster-build/',
];

/**
 * Makes an empty git directory, complete or not at all. By hand rather than by `git init`: it needs no template, runs
 * nothing, and what stands in it is all here to see.
 */
export async function createGitDir(
  folder: string,
  options: {
    bare: boolean;
    /** The branch that HEAD names; it need not exist. */
    branch: string;
    /** A commit id of the repository, whose length tells its hash function. */
    anyCommit: string;
    /** Another git directory's `objects`, to read from; this one keeps only what is new. */
    borrowFrom?: string;
  },
): Promise<void> {
  const draft = `${folder}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(join(draft, 'objects', 'info'), { recursive: true });
  await mkdir(join(draft, 'refs', 'heads'), { recursive: true });
  await mkdir(join(draft, 'info'));
  await writeFile(join(draft, 'info', 'exclude'), `${NEVER_COMMITTED.join('\n')}\n`);
  await writeFile(join(draft, 'config'), toConfig(options));
  await writeFile(join(draft, 'HEAD'), `ref: refs/heads/${options.branch}\n`);
  if (options.borrowFrom !== undefined) {
    await writeFile(join(draft, 'objects', 'info', 'alternates'), `${options.borrowFrom}\n`);
  }
  await mkdir(dirname(folder), { recursive: true });
  await rename(draft, folder);
}

function toConfig({ bare, anyCommit }: { bare: boolean; anyCommit: string }): string {
  const isSha256 = anyCommit.length === 64;
  const lines = [
    '[core]',
    `\trepositoryformatversion = ${isSha256 ? 1 : 0}`,
    '\tfilemode = true',
    `\tbare = ${bare}`,
    ...(isSha256 ? ['[extensions]', '\tobjectFormat = sha256'] : []),
  ];
  return `${lines.join('\n')}\n`;
}
