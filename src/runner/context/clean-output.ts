import { removeUnseen } from './clean-text.ts';

/** The end of a command's output, in whole lines where possible, at most `maxCharacters`. */
export function cleanOutput(output: string, maxCharacters: number): string {
  const plain = removeUnseen(output).trim();
  if (plain.length <= maxCharacters) return plain;
  if (maxCharacters < 100) return '';
  const tail = plain.slice(-(maxCharacters - 30)).toWellFormed();
  const lineEnd = tail.indexOf('\n');
  return `[earlier output left out]\n${lineEnd === -1 ? tail : tail.slice(lineEnd + 1)}`;
}
