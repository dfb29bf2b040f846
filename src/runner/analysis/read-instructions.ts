import type { RepositoryAnalysis } from './repository-analysis.ts';
import type { RepositoryFiles } from './repository-files.ts';

type Files = Pick<RepositoryFiles, 'paths' | 'read'>;

const FILES = [
  'AGENTS.md',
  'CLAUDE.md',
  'CONTRIBUTING.md',
  '.github/CONTRIBUTING.md',
  'docs/CONTRIBUTING.md',
];
/** Of a part of a monorepo. */
const BELOW =
  /^(?!.*(?:^|\/)(?:node_modules|vendor|third_party|fixtures|testdata)\/)(?:[^/]+\/){1,3}(?:AGENTS|CLAUDE)\.md$/;
const MAX_BELOW = 5;
const MAX_CHARACTERS = 20_000;

/** What the repository tells those who work on it, each file cut to 20,000 characters, none twice under two names. */
export async function readInstructions(files: Files): Promise<RepositoryAnalysis['instructions']> {
  const below = files.paths
    .filter((path) => BELOW.test(path))
    .sort((a, b) => depthOf(a) - depthOf(b) || (a < b ? -1 : 1))
    .slice(0, MAX_BELOW);
  const found: RepositoryAnalysis['instructions'] = [];
  for (const path of [...FILES, ...below]) {
    const text = await readText(files, path);
    if (text !== null && found.every((other) => other.text !== text)) found.push({ path, text });
  }
  return found;
}

/** What the repository tells agents of one specialty, in place of what others say about it. */
export async function readOwnGuidance(
  files: Files,
  specialty: string,
): Promise<RepositoryAnalysis['guidance']> {
  const path = `.github/yardmaster/${specialty}.md`;
  const text = await readText(files, path);
  return text === null ? null : { path, text };
}

async function readText(files: Files, path: string): Promise<string | null> {
  const text = (await files.read(path))?.trim() ?? '';
  if (text === '') return null;
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}\n[cut here]` : text;
}

function depthOf(path: string): number {
  return path.split('/').length;
}
