import type { Explanation, Finding, Sign } from '../domain/explanation.ts';
import { toOneLine } from '../lib/strip-control.ts';

/** Settings files may have many mistakes. */
const MAX_CHARACTERS = 1000;

const SIGNS: Readonly<Record<Sign, string>> = {
  ok: 'ok',
  warning: 'look',
  waits: 'wait',
  stops: 'STOP',
  unknown: '?',
};

/** What would happen to an issue, one line for each thing that was looked at. Holds anybody's text, cleaned. */
export function describeExplanation({ issue, title, findings, labels }: Explanation): string {
  const heading = title === null ? issue : `${issue} ${clean(title)}`;
  const blocks = labels.map(({ label, findings: ofLabel, verdict }) =>
    [`label ${clean(label)}`, ...ofLabel.map(toLine), `=> ${clean(verdict.text)}`].join('\n'),
  );
  const end = labels.length === 0 ? ['=> no work would start'] : [];
  return [[heading, ...findings.map(toLine)].join('\n'), ...blocks, ...end].join('\n\n');
}

function toLine({ about, sign, text }: Finding): string {
  return `  ${SIGNS[sign].padEnd(4)}  ${about.padEnd(12)}  ${clean(text)}`;
}

function clean(text: string): string {
  return toOneLine(text, MAX_CHARACTERS);
}
