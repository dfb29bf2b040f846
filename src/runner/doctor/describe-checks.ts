import { formatCount } from '../../domain/figures-text.ts';
import { plain, type Style } from '../../lib/terminal-table.ts';
import { styleText } from 'node:util';
import type { Check, CheckResult } from './check.ts';

const WORDS: Readonly<Record<CheckResult, { word: string; style: Style }>> = {
  ok: { word: 'ok', style: 'green' },
  warning: { word: 'warning', style: 'yellow' },
  failed: { word: 'FAILED', style: 'red' },
};
const WORD_WIDTH = 'warning'.length;
/** A fix may be long, and is worth reading whole. */
const MAX_FIX = 1000;

/** One line for each check, and its fix below; the sum at the end. */
export function describeChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, result, found, fix }) => {
    const { word, style } = WORDS[result];
    const line = `${styleText(style, word.padEnd(WORD_WIDTH))}  ${plain(name).padEnd(width)}  ${plain(found)}`;
    return fix === null ? [line] : [line, `${' '.repeat(WORD_WIDTH + 2)}→ ${plain(fix, MAX_FIX)}`];
  });
  const count = (wanted: CheckResult): number => checks.filter(({ result }) => result === wanted).length;
  const sum = [
    `${count('ok')} ok`,
    formatCount(count('warning'), 'warning'),
    count('failed') === 0 ? 'nothing failed' : `${count('failed')} FAILED: the runner can’t work so`,
  ];
  return [...lines, '', `${sum.join(', ')}.`].join('\n');
}
