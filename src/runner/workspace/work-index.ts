import { copyFile, lstat, mkdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../lib/logger.ts';
import { findToolOutput, mayBeToolOutput, type ToolOutput } from '../../domain/tool-output.ts';
import type { Git, GitPlace } from './git.ts';
import type { LfsContents } from './lfs-files.ts';
import { parseRaw, type RawChange } from './parse-diff.ts';

/**
 * A work tree, looked at from a git directory that it never saw: nothing that stands in the work tree's `.git`,
 * `.gitattributes` or `.gitignore` can make it run anything. One call at a time.
 */
export type WorkIndex = {
  /** Writes everything as it is now as a tree, and returns its id. */
  writeTree(): Promise<string>;
  /** Makes the work tree what `tree` says, apart from what is never in a tree (ignored files, nested repositories). */
  restore(tree: string): Promise<void>;
  /** What differs from the base now is left out of later trees: new files by their paths, others while they stay as they are. */
  leaveOutSoFar(): Promise<void>;
  /** What the newest tree does not hold, since tools made it on the way. */
  toolOutput(): readonly ToolOutput[];
};

const GITLINK = '160000';

/** The index with the base in it, which this part keeps in its git directory. */
export function toBaseIndex(gitDir: string): string {
  return join(gitDir, 'base-index');
}

export async function createWorkIndex(options: {
  git: Git;
  /** Has the base's objects. Its index is kept by this part. */
  gitDir: string;
  folder: string;
  base: string;
  /** The index of a fresh checkout of the base in `folder`: with what git remembers of each file, nothing is hashed twice. */
  freshIndex: string;
  /** Where contents stand in the place of what the base has. */
  contents?: LfsContents | null;
  /** The base's objects are not all there: those outside of a sparse checkout may be missing. */
  isPartial?: boolean;
  signal: AbortSignal;
  log: Logger;
}): Promise<WorkIndex> {
  const { git, gitDir, folder, base, contents = null, signal, log } = options;
  const place: Required<GitPlace> = { gitDir, workTree: folder, signal };
  const baseIndex = toBaseIndex(gitDir);
  const rulesFolder = join(gitDir, 'ignore-rules');
  let hasRules: boolean | null = null;
  /** What set-up and tests made: path → mode and content. */
  let leftOut: ReadonlyMap<string, string> = new Map();
  let output: readonly ToolOutput[] = [];
  await copyIndex(options.freshIndex, baseIndex);

  /** Brings the index from the base to what the work tree holds now. */
  async function refresh(isMade: 'by-agent' | 'before' = 'by-agent'): Promise<void> {
    if (!(await lstat(folder)).isDirectory())
      throw new Error(`The workspace ${folder} is no folder any more`);
    await rm(join(gitDir, 'index.lock'), { force: true });
    await copyIndex(baseIndex, join(gitDir, 'index'));

    const { written: differing, deleted } = parseTracked(
      await git.run(['diff-files', '-z', '--raw', '--ignore-submodules=all', '--no-renames'], place),
    );
    const written = contents === null ? differing : await contents.withoutUntouched(differing);
    const others = splitPaths(await git.run(['ls-files', '-z', '--others', '--exclude-standard'], place));
    const unknown = others.filter((path) => isCommittable(path) && !leftOut.has(path));
    const found = await withoutIgnored(unknown);
    const added = isMade === 'before' ? found : await withoutOutput(found);
    if (added.length < others.length) {
      log.info(
        { left: others.length - added.length },
        'Left out files that are ignored, made by tools, set-up or tests, or belong to a git directory',
      );
    }
    // By force, since git looks for a path behind a new link in vain.
    await updateIndex(['--force-remove'], deleted);
    await updateIndex(['--add', '--remove', '--replace'], [...written, ...added]);
    await takeBack([...written, ...deleted]);
  }

  /** Of what set-up and tests changed, what has not been changed since is as in the base again. */
  async function takeBack(changed: string[]): Promise<void> {
    if (!changed.some((path) => leftOut.has(path))) return;
    const same = (await diffToBase()).filter((change) => leftOut.get(change.path) === toContent(change));
    if (same.length === 0) return;
    const lines = same.map(({ path, oldMode, oldObjectId }) => `${oldMode} ${oldObjectId}\t${path}`);
    await git.run(['update-index', '--verbose', '--replace', '-z', '--index-info'], {
      ...place,
      input: joinPaths(lines),
    });
  }

  async function diffToBase(): Promise<RawChange[]> {
    const args = ['diff-index', '--cached', '-z', '--raw', '--no-abbrev', '--no-renames', base];
    return parseRaw(await git.run(args, place));
  }

  async function leaveOutSoFar(): Promise<void> {
    await refresh('before');
    leftOut = new Map((await diffToBase()).map((change) => [change.path, toContent(change)]));
  }

  async function updateIndex(how: string[], paths: string[]): Promise<void> {
    if (paths.length === 0) return;
    // `--verbose`: simple-git waits 50 ms longer for a command that prints nothing.
    await git.run(['update-index', '--verbose', ...how, '-z', '--stdin'], {
      ...place,
      input: joinPaths(paths),
    });
  }

  /** Takes out what the *base* ignores: an agent that rewrites `.gitignore` must not publish what people keep out. */
  async function withoutIgnored(paths: string[]): Promise<string[]> {
    if (paths.length === 0) return paths;
    hasRules ??= await writeRules();
    if (!hasRules) return paths;
    const ignored = await git.run(['check-ignore', '--no-index', '-z', '--stdin'], {
      gitDir,
      workTree: rulesFolder,
      signal,
      input: joinPaths(paths),
      // None is ignored.
      alsoFine: 1,
    });
    const isIgnored = new Set(splitPaths(ignored));
    return paths.filter((path) => !isIgnored.has(path));
  }

  /** Takes out what tools made, and remembers it to be told. */
  async function withoutOutput(paths: string[]): Promise<string[]> {
    output = [];
    if (!paths.some(mayBeToolOutput)) return paths;
    // The index still holds the base.
    const tracked = splitPaths(await git.run(['ls-files', '-z'], place));
    const found = findToolOutput(paths, tracked);
    output = found.output;
    return paths.filter((path) => !found.paths.has(path));
  }

  /** Checks the base's `.gitignore` files out into a folder of their own. `false` when there are none. */
  async function writeRules(): Promise<boolean> {
    const rules = splitPaths(await git.run(['ls-tree', '-r', '-z', '--name-only', base], place)).filter(
      (path) => path === '.gitignore' || path.endsWith('/.gitignore'),
    );
    if (rules.length === 0) return false;
    await mkdir(rulesFolder, { recursive: true });
    const rulesPlace = {
      gitDir,
      workTree: rulesFolder,
      signal,
      variables: { GIT_INDEX_FILE: join(gitDir, 'rules-index') },
    };
    await git.run(['read-tree', base], rulesPlace);
    await git.run(['checkout-index', '-z', '--stdin'], { ...rulesPlace, input: joinPaths(rules) });
    return true;
  }

  async function writeTree(): Promise<string> {
    await refresh();
    const missing = options.isPartial === true ? ['--missing-ok'] : [];
    return (await git.run(['write-tree', ...missing], place)).trim();
  }

  async function restore(tree: string): Promise<void> {
    // First the index learns what is there now, or git would not know what to remove.
    await refresh();
    // What an agent wrote outside of a sparse checkout is a part of the tree, too.
    await git.run(['read-tree', '--reset', '-u', '--no-sparse-checkout', tree], place);
    await contents?.putBack();
  }

  return { writeTree, restore, leaveOutSoFar, toolOutput: () => output };
}

/** With its time: git looks twice at files that were written at or after the index, however it was copied. */
async function copyIndex(from: string, to: string): Promise<void> {
  const { atime, mtime } = await stat(from);
  await copyFile(from, to);
  await utimes(to, atime, mtime);
}

/** Tracked files that differ. Gitlinks never count, nor files that a nested repository took the place of. */
function parseTracked(raw: string): { written: string[]; deleted: string[] } {
  const written: string[] = [];
  const deleted: string[] = [];
  const fields = raw.split('\0');
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [oldMode, newMode, , , letter = ''] = (fields[at] ?? '').slice(1).split(' ');
    const path = fields[at + 1] ?? '';
    if (oldMode === GITLINK) continue;
    if (letter === 'D' || newMode === GITLINK) deleted.push(path);
    else written.push(path);
  }
  return { written, deleted };
}

/**
 * Leaves out nested repositories (listed with a slash at the end), what git would refuse as part of a git directory,
 * and names that are no UTF-8, which can't be named to git through text.
 */
function isCommittable(path: string): boolean {
  if (path.endsWith('/') || path.includes('\uFFFD')) return false;
  return !path
    .split('/')
    .some((part) => /^(?:\.git|git~[0-9]+)[. ]*(?::.*)?$/i.test(part.replaceAll(/\p{Cf}/gu, '')));
}

function toContent({ mode, objectId }: RawChange): string {
  return `${mode} ${objectId}`;
}

function splitPaths(output: string): string[] {
  return output.split('\0').filter((path) => path !== '');
}

function joinPaths(paths: readonly string[]): string {
  return paths.map((path) => `${path}\0`).join('');
}
