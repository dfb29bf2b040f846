/** The versions of a command line that its driver was tried with: from the first, up to but without the second. */
export type TestedVersions = { from: string; below: string };

/** The first thing in `text` that looks like a version; `null` = nothing does. */
export function findVersion(text: string): string | null {
  return /\d+\.\d+\.\d+[\w.+-]*/.exec(text)?.[0] ?? null;
}

/** Whether an installed version is the one that was asked for: `latest`, a version, or the beginning of one. */
export function isWantedVersion(version: string, wanted: string): boolean {
  return wanted === 'latest' || version === wanted || version.startsWith(`${wanted}.`);
}

/** A sentence for people when a version is none that was tried; `null` when it is. */
export function warnOfVersion(title: string, version: string, tested: TestedVersions): string | null {
  const isTested = compare(version, tested.from) >= 0 && compare(version, tested.below) < 0;
  if (isTested) return null;
  return `${title} ${version} has not been tried with this runner; ${tested.from} and newer, below ${tested.below}, have`;
}

function compare(left: string, right: string): number {
  const [a, b] = [toNumbers(left), toNumbers(right)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function toNumbers(version: string): number[] {
  return version.split(/[.+-]/, 3).map(Number);
}
