import { readFile } from 'node:fs/promises';

/** Specialties with guidance of their own; the others share the default. */
const WITH_GUIDANCE = ['backend', 'frontend', 'testing', 'devops'];

/** A text of ours that goes into every prompt. */
export async function readWording(name: 'preamble' | 'repair' | 'refused'): Promise<string> {
  return await readShipped(`guidance/${name}.md`);
}

/** The built-in advice for a specialty, as Markdown. */
export async function readGuidance(specialty: string): Promise<string> {
  const name = WITH_GUIDANCE.includes(specialty) ? specialty : 'default';
  return await readShipped(`guidance/${name}.md`);
}

/** The files lie beside this module, also in the built package. */
async function readShipped(path: string): Promise<string> {
  return (await readFile(new URL(path, import.meta.url), 'utf8')).trim();
}
