import { didYouMean } from '../lib/did-you-mean.ts';
import { NEEDS_HUMAN_LABEL, toLabelName } from './labels.ts';
import { toCode } from './markdown-escape.ts';

/** The label that a misspelt one most likely stands for, and its specialty. */
export type MeantLabel = { name: string; specialty: string };

/** `meaning`: label in lower case → specialty. `null` unless the label looks like one of ours and is close to one. */
export function findMeantLabel(label: string, meaning: ReadonlyMap<string, string>): MeantLabel | null {
  const prefix = toLabelName('');
  const given = label.toLowerCase();
  if (!given.startsWith(prefix) || given === NEEDS_HUMAN_LABEL.name || meaning.has(given)) return null;
  // The prefix is the same, so that it must not make up for letters that differ.
  const known = [...meaning.keys()].filter((name) => name.startsWith(prefix));
  const rest = didYouMean(
    given.slice(prefix.length),
    known.map((name) => name.slice(prefix.length)),
  );
  const name = `${prefix}${rest}`;
  const specialty = rest === null ? undefined : meaning.get(name);
  return specialty === undefined ? null : { name, specialty };
}

/** For whoever added the label; Markdown that is safe to show. */
export function toLabelHintText(label: string, meant: MeantLabel): string {
  return `😕 The label ${toCode(label, 100)} stands for no specialty, so nothing begins. Did you mean ${toCode(meant.name, 100)}?`;
}
