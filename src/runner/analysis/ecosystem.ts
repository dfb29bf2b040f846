import { toOneLine } from '../../lib/strip-control.ts';
import type { FoundCommand } from './repository-analysis.ts';
import type { RepositoryFiles } from './repository-files.ts';

/** What one ecosystem makes of a folder. */
export type Finding = {
  packageManagers: string[];
  frameworks: string[];
  setup: FoundCommand[];
  test: FoundCommand[];
  lint: FoundCommand[];
};

/** Finds projects of one ecosystem: one value for each, in a file of its own. */
export type Ecosystem = {
  name: string;
  /** Whether a file of this name tells of a project in its folder. */
  isManifest(name: string): boolean;
  /**
   * Looks at the project in a folder ('' is the root). All commands run in the root. `null` when there is none.
   * Files may hold anything: what can't be understood counts as not there.
   */
  detect(files: RepositoryFiles, folder: string): Promise<Finding | null>;
};

/** A finding of which only some parts are known. */
export function aFinding(parts: Partial<Finding>): Finding {
  return { packageManagers: [], frameworks: [], setup: [], test: [], lint: [], ...parts };
}

/** Text out of a repository, as part of a reason: one short line. */
export function quoted(text: string): string {
  return `\`${toOneLine(text, 80).replaceAll('`', "'")}\``;
}

/** Goes before a program that has no option for the folder it works in; nothing in the root. */
export function atFolder(folder: string): string[] {
  return folder === '' ? [] : ['env', '--chdir', folder];
}

/** JSON as an object, or `null` for everything else. */
export function parseObject(text: string | null): Record<string, unknown> | null {
  if (text === null) return null;
  try {
    return asObject(JSON.parse(text.replace(/^\uFEFF/, '')));
  } catch {
    // A broken file tells nothing; the repository's own tools will say so.
    return null;
  }
}

export function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>) // An object, as was just looked at.
    : null;
}

/** Names of the listed things that `names` has: `[dependency, framework]`. */
export function pickFrameworks(
  names: ReadonlySet<string>,
  known: readonly (readonly [string, string])[],
): string[] {
  return [
    ...new Set(known.filter(([dependency]) => names.has(dependency)).map(([, framework]) => framework)),
  ];
}
