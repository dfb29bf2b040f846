import { readFile } from 'node:fs/promises';

/** A text of ours that goes into every prompt. */
export async function readWording(name: 'preamble' | 'repair' | 'refused' | 'round'): Promise<string> {
  return await readShipped(name);
}

/** The files lie beside this module, also in the built package. */
export async function readShipped(name: string): Promise<string> {
  return (await readFile(new URL(`guidance/${name}.md`, import.meta.url), 'utf8')).trim();
}
