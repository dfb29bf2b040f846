import type { RepositoryAnalysis } from './repository-analysis.ts';
import type { RepositoryFiles } from './repository-files.ts';

const FILES = [
  'AGENTS.md',
  'CLAUDE.md',
  'CONTRIBUTING.md',
  '.github/CONTRIBUTING.md',
  'docs/CONTRIBUTING.md',
];
const MAX_CHARACTERS = 20_000;

/** What the repository tells those who work on it, each file cut to 20,000 characters. */
export async function readInstructions(files: RepositoryFiles): Promise<RepositoryAnalysis['instructions']> {
  const found: RepositoryAnalysis['instructions'] = [];
  for (const path of FILES) {
    const text = (await files.read(path))?.trim() ?? '';
    if (text === '') continue;
    const cut = text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}\n[cut here]` : text;
    found.push({ path, text: cut });
  }
  return found;
}
