import { dirname } from 'node:path';
import { countLanguages } from './count-languages.ts';
import { dotnet } from './detect-dotnet.ts';
import { go } from './detect-go.ts';
import { java } from './detect-java.ts';
import { make } from './detect-make.ts';
import { node } from './detect-node.ts';
import { php } from './detect-php.ts';
import { python } from './detect-python.ts';
import { ruby } from './detect-ruby.ts';
import { rust } from './detect-rust.ts';
import type { Ecosystem, Finding } from './ecosystem.ts';
import { mapFiles } from './map-files.ts';
import { readInstructions } from './read-instructions.ts';
import type { RepositoryAnalysis } from './repository-analysis.ts';
import { inFolder, openRepositoryFiles, type RepositoryFiles } from './repository-files.ts';

const ECOSYSTEMS: readonly Ecosystem[] = [node, python, go, rust, java, dotnet, ruby, php];

const MAX_PROJECTS = 5;
const MAX_DEPTH = 3;
/** Projects in there are material of tests or examples, not the work. */
const SIDE_FOLDERS =
  /(^|\/)(vendor|third_party|examples?|samples?|fixtures?|testdata|templates?|__tests__|tests?|docs)(\/|$)/i;

/**
 * Looks at a repository's files: what it is made of, and which commands install and test it, each with its reason.
 * Runs nothing, follows no link out of the folder, and takes broken files for files that aren't there. Commands run in
 * `folder`. In each ecosystem the root goes first; projects below it count only where the root has no tests.
 */
export async function analyzeRepository(
  folder: string,
  options: {
    /** Paths relative to `folder`; without them the folder is walked through. */
    trackedPaths?: string[];
  } = {},
): Promise<RepositoryAnalysis> {
  const files = await openRepositoryFiles(folder, options.trackedPaths);
  const findings: Finding[] = [];
  for (const ecosystem of ECOSYSTEMS) findings.push(...(await findProjects(files, ecosystem)));
  if (findings.every((finding) => finding.test.length === 0))
    findings.push(...(await findProjects(files, make)));

  return {
    languages: countLanguages(files.paths),
    packageManagers: unique(findings.flatMap((finding) => finding.packageManagers)),
    frameworks: unique(findings.flatMap((finding) => finding.frameworks)),
    setup: findings.flatMap((finding) => finding.setup),
    test: findings.flatMap((finding) => finding.test),
    lint: findings.flatMap((finding) => finding.lint),
    fileMap: mapFiles(files.paths),
    instructions: await readInstructions(files),
  };
}

async function findProjects(files: RepositoryFiles, ecosystem: Ecosystem): Promise<Finding[]> {
  const root = await ecosystem.detect(files, '');
  if (root !== null && root.test.length > 0) return [root];
  const below: Finding[] = [];
  for (const folder of findFolders(files, ecosystem)) {
    const finding = await ecosystem.detect(files, folder);
    if (finding !== null) below.push(finding);
  }
  return root === null ? below : [root, ...below];
}

/** Folders below the root with a manifest of their own, but not those inside another such folder. */
function findFolders(files: RepositoryFiles, ecosystem: Ecosystem): string[] {
  const candidates = files.paths
    .filter((path) => path.includes('/') && ecosystem.isManifest(path.slice(path.lastIndexOf('/') + 1)))
    .map((path) => dirname(path))
    .filter((folder) => folder.split('/').length <= MAX_DEPTH && !SIDE_FOLDERS.test(folder))
    // A folder that looks like an option would be taken for one.
    .filter((folder) => !folder.startsWith('-'));
  const outermost: string[] = [];
  for (const folder of unique(candidates).sort()) {
    const isInside = outermost.some((outer) => folder.startsWith(inFolder(outer, '')));
    if (!isInside) outermost.push(folder);
    if (outermost.length === MAX_PROJECTS) break;
  }
  return outermost;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
