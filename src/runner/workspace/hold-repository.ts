import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { JobSpec, RepositoryRef } from '../../contract/job.ts';
import { toConeTest } from '../../domain/sparse-cone.ts';
import type { SubmoduleRepository } from '../../domain/submodule-address.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Git } from './git.ts';
import type { Remote } from './git-environment.ts';
import { MIRROR_NAME_FILE } from './inventory.ts';
import type { MirrorRequest, Mirrors } from './mirror.ts';
import { PARTIAL, toSubmoduleVariant } from './mirror-name.ts';
import { readTip } from './move-base.ts';
import type { WorkspaceOptions } from './workspace.ts';

/** Where a repository is. */
export type Address = Pick<RepositoryRef, 'owner' | 'name' | 'cloneUrl'>;

/** What an attempt holds of mirrors: of its repository, and of its submodules. */
export type RepositoryHold = {
  /** Sees to it that all that the attempt begins from is in the mirror, and answers with its `objects` folder. Throws `GitCommandError`. */
  objects(): Promise<string>;
  /** What is asked of GitHub for a workspace on it. */
  sources(objectsFolder: string): Pick<WorkspaceOptions, 'lfs' | 'submodules' | 'holdTip'>;
};

export function createRepositoryHold(options: {
  spec: JobSpec;
  mirrors: Pick<Mirrors, 'hold'>;
  git: Git;
  /** What to read a repository with. */
  remoteFor: (address: Address) => Promise<Remote>;
  /** For objects of Git LFS, which are fetched by HTTP, also where git itself goes by SSH. */
  readToken: () => Promise<string>;
  fetch: typeof fetch;
  clock: Clock;
  signal: AbortSignal;
}): RepositoryHold {
  const { spec, mirrors, git, remoteFor, signal } = options;
  const { repository, attemptId, base, revision } = spec;
  const request: MirrorRequest = {
    repositoryId: repository.id,
    attemptId,
    commits: [base.commit, ...(revision ? [revision.baseCommit] : [])],
    remote: () => remoteFor(repository),
    signal,
    ...toPartial(spec),
  };

  async function holdSubmodule(submodule: SubmoduleRepository, commit: string): Promise<string> {
    const held = await mirrors.hold({
      repositoryId: repository.id,
      variant: toSubmoduleVariant(submodule),
      attemptId,
      commits: [commit],
      remote: () => remoteFor({ ...submodule, cloneUrl: toCloneUrl(submodule) }),
      signal,
    });
    await noteMirrorName(submodule, held);
    return held;
  }

  function toCloneUrl({ owner, name }: SubmoduleRepository): string {
    return `${new URL(repository.cloneUrl).origin}/${owner}/${name}.git`;
  }

  /** In a mirror without all contents, git itself can't fetch what a merge with the branch needs. */
  async function holdTip(branch: string, objectsFolder: string): Promise<{ commit: string }> {
    const remote = await remoteFor(repository);
    const commit = await readTip({ git, gitDir: dirname(objectsFolder), branch, remote, signal });
    const contents = request.contents && { ...request.contents, toMerge: true };
    await mirrors.hold({ ...request, commits: [base.commit, commit], ...(contents && { contents }) });
    return { commit };
  }

  return {
    async objects() {
      const held = await mirrors.hold(request);
      await noteMirrorName(repository, held);
      return held;
    },
    sources: (objectsFolder) => ({
      lfs: {
        store: join(dirname(objectsFolder), 'lfs', 'objects'),
        fetch: {
          cloneUrl: repository.cloneUrl,
          token: options.readToken,
          fetch: options.fetch,
          clock: options.clock,
          signal,
        },
      },
      submodules: { hold: holdSubmodule, toCloneUrl },
      holdTip: request.contents === undefined ? null : (branch) => holdTip(branch, objectsFolder),
    }),
  };
}

/** A mirror of its own where contents are only fetched when they are needed, and which ones that is. */
function toPartial({ settings, revision }: JobSpec): Pick<MirrorRequest, 'variant' | 'contents'> {
  const { partial, sparse } = settings.checkout ?? {};
  if (partial !== true) return {};
  // A rework reads notes of the base branch, and may merge it, wherever that is.
  const isWanted = sparse === undefined || revision !== undefined ? () => true : toConeTest(sparse);
  return { variant: PARTIAL, contents: { isWanted, toMerge: revision?.mergeBase === true } };
}

/** For `workspace list`. A mirror without it goes by its number. */
async function noteMirrorName({ owner, name }: SubmoduleRepository, objectsFolder: string): Promise<void> {
  await writeFile(join(dirname(objectsFolder), MIRROR_NAME_FILE), `${owner}/${name}\n`);
}
