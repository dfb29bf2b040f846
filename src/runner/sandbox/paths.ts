import { basename, dirname } from 'node:path';

/** Whether `path` is `folder` or lies below it. Both absolute and without `..`. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

/** Those that no other of `paths` holds; parents first. */
export function withoutNested(paths: readonly string[]): string[] {
  const kept: string[] = [];
  for (const path of [...new Set(paths)].sort()) {
    if (!kept.some((folder) => isWithin(path, folder))) kept.push(path);
  }
  return kept;
}

/**
 * What has to be shown for a program to work: its installation, which is the folder above `bin`. Less when that would show what is
 * none of its business: the folder of the program, or only the program.
 */
export function installationOf(program: string, hidden: readonly string[]): string {
  return installationAround(dirname(program), hidden) ?? program;
}

/** The folder, or `null` when it may not be shown. */
export function toShown(folder: string, hidden: readonly string[]): string | null {
  return isTooBroad(folder, hidden) ? null : folder;
}

/** The installation around a folder of programs; `null` when not even that folder may be shown. */
export function installationAround(folder: string, hidden: readonly string[]): string | null {
  const isBin = basename(folder) === 'bin' || basename(folder) === 'sbin';
  const candidates = isBin ? [dirname(folder), folder] : [folder];
  return candidates.find((candidate) => !isTooBroad(candidate, hidden)) ?? null;
}

/** A folder directly below the root, or one that holds something which must stay hidden. */
function isTooBroad(folder: string, hidden: readonly string[]): boolean {
  return dirname(folder) === '/' || folder === '/' || hidden.some((path) => isWithin(path, folder));
}
