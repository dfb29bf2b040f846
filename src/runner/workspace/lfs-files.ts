import { createHash } from 'node:crypto';
import { constants, createReadStream, type BigIntStats } from 'node:fs';
import { chmod, copyFile, lstat, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type LfsObject, MAX_POINTER_BYTES, parseLfsPointer } from '../../domain/lfs-pointer.ts';
import type { Git, GitPlace } from './git.ts';
import { isPlainPath } from './plain-path.ts';

/** A pointer in a work tree. */
export type LfsFile = { path: string; object: LfsObject; isExecutable: boolean };

/** Files whose contents stand in the work tree in place of the pointers that git knows. */
export type LfsContents = {
  /** Of paths that differ from what git knows, those that differ from the contents as well. */
  withoutUntouched(paths: readonly string[]): Promise<string[]>;
  /** After git wrote the work tree anew: puts contents where it put pointers. */
  putBack(): Promise<void>;
};

/** Which files `.gitattributes` give to Git LFS. */
const ATTRIBUTES = [':(glob)**/.gitattributes'];

/** The pointers in a fresh checkout. */
export async function findLfsFiles(
  folder: string,
  /** Of the checkout's index, without a work tree. */
  place: GitPlace,
  git: Git,
  entries: readonly { path: string; mode: string }[],
): Promise<LfsFile[]> {
  if (!entries.some(({ path }) => /(?:^|\/)\.gitattributes$/.test(path))) return [];
  // 1: none.
  const args = ['grep', '--cached', '--files-with-matches', '-e', 'filter=lfs', '--', ...ATTRIBUTES];
  if ((await git.run(args, { ...place, alsoFine: 1 })) === '') return [];
  const modes = new Map(entries.map(({ path, mode }) => [path, mode]));
  const paths = await chooseLfsPaths(place, git, [...modes.keys()]);
  const found: LfsFile[] = [];
  for (const path of paths) {
    const object = await readPointer(join(folder, path));
    if (object !== null) found.push({ path, object, isExecutable: modes.get(path) === '100755' });
  }
  return found;
}

/** Of the paths, those that the attributes in the index give to Git LFS. */
export async function chooseLfsPaths(
  place: GitPlace & { variables?: Readonly<Record<string, string>> },
  git: Git,
  paths: readonly string[],
): Promise<string[]> {
  if (paths.length === 0) return [];
  const input = paths.map((path) => `${path}\0`).join('');
  const output = await git.run(['check-attr', '--cached', '-z', '--stdin', 'filter'], { ...place, input });
  const fields = output.split('\0');
  const found: string[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) {
    if (fields[at + 2] === 'lfs') found.push(fields[at] ?? '');
  }
  return found;
}

/** `null` when there is no plain file with a pointer, such as outside of a sparse checkout. */
async function readPointer(file: string): Promise<LfsObject | null> {
  const facts = await lstat(file).catch(() => null);
  if (facts === null || !facts.isFile() || facts.size > MAX_POINTER_BYTES) return null;
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return parseLfsPointer(await handle.readFile('utf8'));
  } finally {
    await handle.close();
  }
}

/** Puts contents in the place of pointers. Only for files whose objects `objectFile` has. */
export async function putContents(options: {
  folder: string;
  files: readonly LfsFile[];
  objectFile: (oid: string) => string;
}): Promise<LfsContents> {
  const { folder, objectFile } = options;
  const files = new Map(options.files.map((file) => [file.path, file]));
  /** Of files as they were last seen with their contents: by it, nothing is hashed twice. */
  const seen = new Map<string, string>();
  for (const file of files.values()) await put(file);

  /** A copy: what runs in the workspace may write to it. */
  async function put({ path, object, isExecutable }: LfsFile): Promise<void> {
    if (!(await isPlainPath(folder, path))) return;
    const target = join(folder, path);
    await rm(target, { force: true });
    await copyFile(objectFile(object.oid), target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(target, isExecutable ? 0o755 : 0o644);
    seen.set(path, toStamp(await lstat(target, { bigint: true })));
  }

  async function isUntouched({ path, object, isExecutable }: LfsFile): Promise<boolean> {
    const target = join(folder, path);
    const facts = (await isPlainPath(folder, path))
      ? await lstat(target, { bigint: true }).catch(() => null)
      : null;
    if (facts === null || !facts.isFile() || facts.size !== BigInt(object.bytes)) return false;
    if (((facts.mode & 0o100n) !== 0n) !== isExecutable) return false;
    const stamp = toStamp(facts);
    if (seen.get(path) === stamp) return true;
    const hash = createHash('sha256');
    await pipeline(createReadStream(target, { flags: 'r' }), hash);
    if (hash.digest('hex') !== object.oid) return false;
    seen.set(path, stamp);
    return true;
  }

  return {
    async withoutUntouched(paths) {
      const touched: string[] = [];
      for (const path of paths) {
        const file = files.get(path);
        if (file === undefined || !(await isUntouched(file))) touched.push(path);
      }
      return touched;
    },
    async putBack() {
      for (const file of files.values()) {
        const pointer = (await isPlainPath(folder, file.path))
          ? await readPointer(join(folder, file.path))
          : null;
        if (pointer?.oid === file.object.oid) await put(file);
      }
    },
  };
}

function toStamp({ ino, size, mtimeNs, ctimeNs, mode }: BigIntStats): string {
  return [ino, size, mtimeNs, ctimeNs, mode].join(' ');
}
