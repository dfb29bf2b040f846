import { type BigIntStats, chmodSync, lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { lstat, readdir, writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Path below a folder (bytes as characters, `/` between) → what tells that it is still the same, unchanged. Of files and links that is
 * above all the time of their last change, which only the kernel sets: whoever writes, replaces, renames, links or "touches" one changes
 * it. On a disk, that is: in memory (tmpfs) a file can be written through a mapping without it.
 */
export type Stamps = Map<string, string>;

/** What becomes of a path: `pass`: it is none of it, but what is below may be; `leave`: nor is that. */
export type PathPick = (path: string) => 'stamp' | 'pass' | 'leave';

/** What stays beside what its stamp tells to be unchanged; a folder with all that is in it. */
export type AlsoKeep = (path: string, facts: BigIntStats) => boolean;

/** More are no installation any more. */
const MAX_STAMPS = 400_000;
/** So many looks at a stretch hold up nothing else. */
const STRETCH = 500;
/** Nothing that was made in good faith lies deeper. */
const MAX_DEPTH = 100;
/** Takes seconds, which is longer than the steps of any clock. */
const MAX_TICK_TRIES = 20_000;

/** Thrown when a folder can't be looked through to its end. The message is for people. */
export class FolderTooLargeError extends Error {
  override name = 'FolderTooLargeError';
}

/** What is below `folder`, as far as `pick` wants it. Follows no link. Throws `FolderTooLargeError`. */
export async function stampFiles(folder: string, pick: PathPick): Promise<Stamps> {
  const stamps: Stamps = new Map();
  const rest = createRest();
  await walk(Buffer.from(folder), '', 0);
  return stamps;

  async function walk(place: Buffer, path: string, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) throw new FolderTooLargeError('it is nested too deep');
    for (const name of await readdir(place, { encoding: 'buffer' })) {
      const inside = toPath(path, name);
      const what = pick(inside);
      if (what === 'leave') continue;
      const below = join(place, name);
      const facts = lstatSync(below, { bigint: true });
      const stamp = what === 'stamp' ? toStamp(facts) : null;
      if (stamp !== null) stamps.set(inside, stamp);
      if (stamps.size > MAX_STAMPS) throw new FolderTooLargeError(`it holds more than ${MAX_STAMPS} files`);
      await rest();
      if (facts.isDirectory()) await walk(below, inside, depth + 1);
    }
  }
}

/**
 * Removes all below `folder` that is not as `stamps` tells and that `alsoKeep` does not want. Follows no link, whatever was put there.
 * Answers which of `stamps` were changed or are gone, so that they are not there any more.
 */
export async function keepOnly(folder: string, stamps: Stamps, alsoKeep: AlsoKeep): Promise<string[]> {
  const missing = new Set(stamps.keys());
  const rest = createRest();
  if (!lstatSync(folder).isDirectory()) throw new Error(`${folder} is no folder any more`);
  await clean(Buffer.from(folder), '', 0);
  return [...missing];

  /** True when nothing is left in it. */
  async function clean(place: Buffer, path: string, depth: number): Promise<boolean> {
    if (depth > MAX_DEPTH) throw new FolderTooLargeError('it is nested too deep');
    let isEmpty = true;
    for (const name of await readdir(place, { encoding: 'buffer' })) {
      const inside = toPath(path, name);
      const below = join(place, name);
      const facts = lstatSync(below, { bigint: true });
      const stamp = stamps.get(inside);
      const isSame = stamp !== undefined && stamp === toStamp(facts);
      if (isSame) missing.delete(inside);
      await rest();
      if (stamp === undefined && alsoKeep(inside, facts)) {
        isEmpty = false;
      } else if (facts.isDirectory()) {
        // Others may forbid to look into them, so that nothing of them could be removed.
        if (!isSame && (facts.mode & 0o700n) !== 0o700n) chmodSync(below, 0o700);
        const isGone = (await clean(below, inside, depth + 1)) && !isSame;
        if (isGone) rmdirSync(below);
        else isEmpty = false;
      } else if (isSame) {
        isEmpty = false;
      } else {
        unlinkSync(below);
      }
    }
    return isEmpty;
  }
}

/**
 * Resolves when the clock of the file system has moved on: what is changed from then on has another time than all that was stamped before.
 * It moves in steps of some milliseconds. Throws when it does not move at all.
 */
export async function passTick(folder: string): Promise<void> {
  const file = joinPath(folder, 'tick');
  const begun = await touch();
  for (let tries = 0; (await touch()) === begun; tries += 1) {
    if (tries === MAX_TICK_TRIES) throw new Error(`The clock of the file system of ${folder} stands still`);
    await nextTurn();
  }

  async function touch(): Promise<bigint> {
    await writeFile(file, 'tick');
    return (await lstat(file, { bigint: true })).ctimeNs;
  }
}

/**
 * A folder's time changes with whatever is put in it, so it is known by itself and its mode; what is in it is known one by one. Pipes and
 * sockets are nothing that an installation has.
 */
function toStamp(facts: BigIntStats): string | null {
  if (facts.isDirectory()) return `folder ${facts.ino} ${facts.mode}`;
  if (!facts.isFile() && !facts.isSymbolicLink()) return null;
  return `${facts.ino} ${facts.mode} ${facts.size} ${facts.ctimeNs}`;
}

function toPath(folder: string, name: Buffer): string {
  const text = name.toString('latin1');
  return folder === '' ? text : `${folder}/${text}`;
}

function join(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), name]);
}

/** Looks are made in one go, which is ten times as fast as one by one; in between others get their turn. */
function createRest(): () => Promise<void> | undefined {
  let looks = 0;
  return () => ((looks += 1) % STRETCH === 0 ? nextTurn() : undefined);
}
