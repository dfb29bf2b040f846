import { dirname } from 'node:path';
import { countLanguages } from './count-languages.ts';
import { cmake } from './detect-cmake.ts';
import { docker } from './detect-docker.ts';
import { dotnet } from './detect-dotnet.ts';
import { elixir } from './detect-elixir.ts';
import { go } from './detect-go.ts';
import { java } from './detect-java.ts';
import { make } from './detect-make.ts';
import { node } from './detect-node.ts';
import { php } from './detect-php.ts';
import { python } from './detect-python.ts';
import { ruby } from './detect-ruby.ts';
import { rust } from './detect-rust.ts';
import { terraform } from './detect-terraform.ts';
import type { Ecosystem, Finding } from './ecosystem.ts';
import { mapFiles } from './map-files.ts';
import { readInstructions, readOwnGuidance } from './read-instructions.ts';
import type { RepositoryAnalysis } from './repository-analysis.ts';
import { inFolder, openRepositoryFiles, type RepositoryFiles } from './repository-files.ts';

const ECOSYSTEMS: readonly Ecosystem[] = [
  node,
  python,
  go,
  rust,
  java,
  dotnet,
  ruby,
  php,
  elixir,
  terraform,
  docker,
];
/** They also wrap what others do: their set-up and tests count only where no other project has tests. */
const BUILDERS: readonly Ecosystem[] = [make, cmake];

const MAX_PROJECTS = 5;
const MAX_DEPTH = 3;
/** Projects in there are material of tests or examples, not the work. */
const SIDE_FOLDERS =
  /(^|\/)(vendor|third_party|examples?|samples?|fixtures?|testdata|templates?|__tests__|tests?|docs)(\/|$)/i;

/** A project of one ecosystem in one folder; '' is the root. */
type Project = { ecosystem: string; folder: string; finding: Finding };

/**
 * Looks at a repository's files: what it is made of, and which commands install, test and lint it, each with its reason.
 * Runs nothing, follows no link out of the folder, and takes broken files for files that aren't there. Commands run in
 * `folder`. In each ecosystem the root goes first; projects below it count only where the root has no tests.
 */
export async function analyzeRepository(
  folder: string,
  options: {
    /** Paths relative to `folder`; without them the folder is walked through. */
    trackedPaths?: string[];
    /** Whose advice is looked for. */
    specialty?: string;
    /** Where the repository's instructions for agents are read instead. */
    ownFiles?: Pick<RepositoryFiles, 'paths' | 'read'>;
  } = {},
): Promise<RepositoryAnalysis> {
  const files = await openRepositoryFiles(folder, options.trackedPaths);
  const own = options.ownFiles ?? files;
  const projects: Project[] = [];
  let omitted = 0;
  for (const ecosystem of ECOSYSTEMS) {
    const found = await findProjects(files, ecosystem);
    projects.push(...found.projects);
    omitted += found.omitted;
  }
  for (const ecosystem of BUILDERS) {
    const found = await findProjects(files, ecosystem);
    projects.push(
      ...found.projects.map((project) => (isCovered(project, projects) ? lintOnly(project) : project)),
    );
    omitted += found.omitted;
  }
  const findings = projects.map(({ finding }) => finding);

  return {
    languages: countLanguages(files.paths),
    packageManagers: unique(findings.flatMap((finding) => finding.packageManagers)),
    frameworks: unique(findings.flatMap((finding) => finding.frameworks)),
    projects: { found: projects.map(({ folder, ecosystem }) => ({ folder, ecosystem })), omitted },
    setup: findings.flatMap((finding) => finding.setup),
    test: findings.flatMap((finding) => finding.test),
    lint: findings.flatMap((finding) => finding.lint),
    fileMap: mapFiles(files.paths),
    guidance: options.specialty === undefined ? null : await readOwnGuidance(own, options.specialty),
    instructions: await readInstructions(own),
  };
}

async function findProjects(
  files: RepositoryFiles,
  ecosystem: Ecosystem,
): Promise<{ projects: Project[]; omitted: number }> {
  const toProject = (folder: string, finding: Finding): Project => ({
    ecosystem: ecosystem.name,
    folder,
    finding,
  });
  const root = await ecosystem.detect(files, '');
  if (root !== null && root.test.length > 0) return { projects: [toProject('', root)], omitted: 0 };
  const projects = root === null ? [] : [toProject('', root)];
  const folders = findFolders(files, ecosystem);
  for (const folder of folders.slice(0, MAX_PROJECTS)) {
    const finding = await ecosystem.detect(files, folder);
    if (finding !== null) projects.push(toProject(folder, finding));
  }
  return { projects, omitted: Math.max(0, folders.length - MAX_PROJECTS) };
}

/** Folders below the root with a manifest of their own, but not those inside another such folder. */
function findFolders(files: RepositoryFiles, ecosystem: Ecosystem): string[] {
  const candidates = files.paths
    .filter((path) => path.includes('/') && ecosystem.isManifest(path.slice(path.lastIndexOf('/') + 1)))
    .map((path) => dirname(path))
    .filter((folder) => folder.split('/').length <= MAX_DEPTH && !SIDE_FOLDERS.test(folder))
    // A folder that looks like an option would be taken for one, one with `=` for a variable.
    .filter((folder) => !folder.startsWith('-') && !folder.includes('='));
  const outermost: string[] = [];
  for (const folder of unique(candidates).sort()) {
    const isInside = outermost.some((outer) => folder.startsWith(inFolder(outer, '')));
    if (!isInside) outermost.push(folder);
  }
  return outermost;
}

/** Whether the tests of another project are those of this one, too: it is the same one, or one holds the other. */
function isCovered({ folder }: Project, others: readonly Project[]): boolean {
  const holds = (outer: string, inner: string): boolean =>
    outer === '' || outer === inner || inner.startsWith(`${outer}/`);
  return others.some(
    (other) => other.finding.test.length > 0 && (holds(other.folder, folder) || holds(folder, other.folder)),
  );
}

function lintOnly(project: Project): Project {
  return { ...project, finding: { ...project.finding, setup: [], test: [] } };
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
