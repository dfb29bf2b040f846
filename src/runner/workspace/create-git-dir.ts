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
    /** The contents of files come later, by a remote `origin` whose address is only ever named to the command that fetches. */
    isPartial?: boolean;
    /** Git's cone patterns: which files are checked out, when not all. */
    conePatterns?: string;
  },
): Promise<void> {
  const draft = `${folder}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(join(draft, 'objects', 'info'), { recursive: true });
  await mkdir(join(draft, 'refs', 'heads'), { recursive: true });
  await mkdir(join(draft, 'info'));
  await writeFile(join(draft, 'info', 'exclude'), `${NEVER_COMMITTED.join('\n')}\n`);
  await writeFile(join(draft, 'config'), toConfig(options));
  if (options.conePatterns !== undefined)
    await writeFile(join(draft, 'info', 'sparse-checkout'), options.conePatterns);
  await writeFile(join(draft, 'HEAD'), `ref: refs/heads/${options.branch}\n`);
  if (options.borrowFrom !== undefined) {
    await writeFile(join(draft, 'objects', 'info', 'alternates'), `${options.borrowFrom}\n`);
  }
  await mkdir(dirname(folder), { recursive: true });
  await rename(draft, folder);
}

function toConfig(options: {
  bare: boolean;
  anyCommit: string;
  isPartial?: boolean;
  conePatterns?: string;
}): string {
  const extensions = [
    ...(options.anyCommit.length === 64 ? ['\tobjectFormat = sha256'] : []),
    ...(options.isPartial === true ? ['\tpartialClone = origin'] : []),
  ];
  const lines = [
    '[core]',
    `\trepositoryformatversion = ${extensions.length > 0 ? 1 : 0}`,
    '\tfilemode = true',
    `\tbare = ${options.bare}`,
    ...(options.conePatterns === undefined ? [] : ['\tsparseCheckout = true', '\tsparseCheckoutCone = true']),
    ...(extensions.length > 0 ? ['[extensions]', ...extensions] : []),
    ...(options.isPartial === true
      ? ['[remote "origin"]', '\tpromisor = true', '\tpartialCloneFilter = blob:none']
      : []),
  ];
  return `${lines.join('\n')}\n`;
}
