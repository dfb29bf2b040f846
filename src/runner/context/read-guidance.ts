import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobSpec } from '../../contract/job.ts';
import type { RepositoryAnalysis } from '../analysis/repository-analysis.ts';
import { readShipped } from './read-wording.ts';

/** Advice for the work of a specialty, as Markdown, and where it is from, for people. */
export type Guidance = { text: string; from: string; isBuiltIn: boolean };

/** Specialties with advice of their own in this package; the others share the default. */
const BUILT_IN = ['backend', 'frontend', 'testing', 'devops'];
const MAX_CHARACTERS = 20_000;

/**
 * The nearest advice for the job's specialty: the repository's file, its settings, this runner's file, and at last the built-in one.
 * `problem`: why the runner's own file could not be read, for people.
 */
export async function readGuidance(
  { specialty, settings }: Pick<JobSpec, 'specialty' | 'settings'>,
  { guidance }: Pick<RepositoryAnalysis, 'guidance'>,
  /** The runner's `<specialty>.md` files. */
  folder: string,
): Promise<{ guidance: Guidance; problem: string | null }> {
  const given = (text: string, from: string) => ({
    guidance: { text: text.slice(0, MAX_CHARACTERS), from, isBuiltIn: false },
    problem: null,
  });
  if (guidance !== null) return given(guidance.text, `\`${guidance.path}\` of the repository`);
  if (settings.guidance !== null) return given(settings.guidance, "the repository's settings");
  const own = await readOwn(join(folder, `${specialty}.md`));
  if (own.text !== null) return given(own.text, 'whoever looks after this machine');
  const text = await readShipped(BUILT_IN.includes(specialty) ? specialty : 'default');
  return { guidance: { text, from: 'Yardmaster', isBuiltIn: true }, problem: own.problem };
}

async function readOwn(file: string): Promise<{ text: string | null; problem: string | null }> {
  try {
    const text = (await readFile(file, 'utf8')).trim();
    return { text: text === '' ? null : text, problem: null };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return { text: null, problem: code === 'ENOENT' ? null : `${file} can't be read (${code})` };
  }
}
