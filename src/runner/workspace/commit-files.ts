import type { Git, GitPlace } from './git.ts';

/** Files as a commit has them, whatever stands in a work tree. */
export type CommitFiles = {
  /** Of plain files, sorted as git does. */
  paths: readonly string[];
  /** The first `maxBytes` of a plain file; `null` when there is none of that name. */
  read(path: string, maxBytes?: number): Promise<string | null>;
};

const MAX_BYTES = 256 * 1024;

/** Links and submodules are left out. */
export async function openCommitFiles(options: {
  git: Git;
  gitDir: string;
  commit: string;
  signal: AbortSignal;
}): Promise<CommitFiles> {
  const { git, gitDir, commit, signal } = options;
  const place: GitPlace = { gitDir, signal };
  const listed = await git.run(['ls-tree', '-r', '-z', commit], place);
  const objects = new Map(
    listed.split('\0').flatMap((line) => {
      const [, objectId, path] = /^100\d{3} blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
      return objectId === undefined || path === undefined ? [] : [[path, objectId] as const];
    }),
  );
  return {
    paths: [...objects.keys()],
    async read(path, maxBytes = MAX_BYTES) {
      const objectId = objects.get(path);
      return objectId === undefined ? null : git.readStart(['cat-file', 'blob', objectId], maxBytes, place);
    },
  };
}
