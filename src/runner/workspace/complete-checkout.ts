import type { Checkout } from '../../contract/job.ts';
import { toConeTest } from '../../domain/sparse-cone.ts';
import type { SubmoduleRepository } from '../../domain/submodule-address.ts';
import type { Logger } from '../../lib/logger.ts';
import {
  checkOutSubmodules,
  type HoldSubmodule,
  parseStage,
  type Submodule,
  toLinks,
} from './check-out-submodules.ts';
import { describeCheckout } from './describe-checkout.ts';
import type { Git, GitPlace } from './git.ts';
import { findLfsFiles, type LfsContents, type LfsFile, putContents } from './lfs-files.ts';
import { fetchObjects, type LfsFetch, toObjectFile } from './lfs-store.ts';

/** What a checkout of plain files was made of. */
export type Completed = {
  /** What is not there, or can't be changed, for agents and people: a sentence each. Paths of the repository are quoted in them. */
  notes: string[];
  /** Paths of files that stand in the place of pointers. */
  replaced: string[];
  /** `null` where no file has been put in the place of a pointer. */
  contents: LfsContents | null;
  submodules: Submodule[];
};

/** Puts into a fresh checkout what git alone leaves out, as far as the settings want it; the rest is told. */
export async function completeCheckout(options: {
  git: Git;
  log: Logger;
  checkout: Checkout;
  /** Of the checkout in the workspace, as yet unseen by anything else. */
  place: Required<GitPlace> & { signal: AbortSignal };
  commit: string;
  cloneUrl: string;
  identity: Readonly<Record<string, string>>;
  /** The folder for objects of Git LFS in the mirror, and how to fetch them. */
  lfs: { store: string; fetch: LfsFetch };
  submodules: {
    hold: HoldSubmodule;
    toCloneUrl: (repository: SubmoduleRepository) => string;
    /** For our own views of them. */
    privateFolder: string;
  };
}): Promise<Completed> {
  const { git, log, checkout, place, commit, cloneUrl, identity } = options;
  const { gitDir, signal } = place;
  // Without the work tree, to which paths would be relative: the git directory lies in it.
  const index = { gitDir, signal };
  const entries = parseStage(await git.run(['ls-files', '--stage', '-z'], index));

  const files = await findLfsFiles(place.workTree, index, git, entries);
  const lfs =
    checkout.lfs === true ? await fetchFiles(files) : { contents: null, failed: files, reasons: [] };

  const failed = new Set(lfs.failed.map(({ path }) => path));
  const replaced = files.map(({ path }) => path).filter((path) => !failed.has(path));

  const links = toLinks(entries).filter(({ path }) => isInCheckout(path));
  const { submodules, missing } =
    checkout.submodules === true
      ? await checkOutSubmodules(
          { folder: place.workTree, gitDir: place.gitDir, commit, links, cloneUrl, ...options.submodules },
          { git, hold: options.submodules.hold, identity, signal, log },
        )
      : { submodules: [], missing: links.map(({ path }) => ({ path, reason: '' })) };
  const notes = describeCheckout(checkout, {
    pointers: lfs.failed.map(({ path }) => path),
    lfsReasons: lfs.reasons,
    hasOwnLfsServer: entries.some(({ path }) => path === '.lfsconfig'),
    contents: replaced.length,
    submodules: submodules.map(({ path }) => path),
    missing,
  });
  return { notes, replaced, contents: lfs.contents, submodules };

  async function fetchFiles(
    found: readonly LfsFile[],
  ): Promise<{ contents: LfsContents | null; failed: LfsFile[]; reasons: string[] }> {
    if (found.length === 0) return { contents: null, failed: [], reasons: [] };
    const { store, fetch } = options.lfs;
    const refused = await fetchObjects(
      store,
      found.map(({ object }) => object),
      fetch,
    );
    const there = found.filter(({ object }) => !refused.has(object.oid));
    const contents = await putContents({
      folder: place.workTree,
      files: there,
      objectFile: (oid) => toObjectFile(store, oid),
    });
    const failed = found.filter(({ object }) => refused.has(object.oid));
    return { contents, failed, reasons: [...new Set(refused.values())] };
  }

  function isInCheckout(path: string): boolean {
    return options.checkout.sparse === undefined || toConeTest(options.checkout.sparse)(path);
  }
}
