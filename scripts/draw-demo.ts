/**
 * `npm run draw:demo`: runs the demo and draws the beginning of what it prints as docs/demo.svg, for the README. Run it again when the
 * demo's output has changed.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const root = path.resolve(import.meta.dirname, '..');
const COLUMNS = 120;
const LINE_HEIGHT = 18;
const CHARACTER_WIDTH = 7.83;

const FOREGROUND: Readonly<Record<string, string>> = {
  '31': '#ff7b72',
  '32': '#7ee787',
  '33': '#e3b341',
  '34': '#79c0ff',
  '35': '#d2a8ff',
  '36': '#76e3ea',
};

const output = execFileSync(process.execPath, [path.join(root, 'src/cli.ts'), 'demo'], {
  cwd: root,
  encoding: 'utf8',
  env: { ...process.env, FORCE_COLOR: '1', COLUMNS: String(COLUMNS) },
});
const lines = output.trimEnd().split('\n');
// The timeline and the first pull request's top say it all; the rest is more of the same.
const evidenceAt = lines.findIndex((line) => line.includes('### Evidence'));
const shown = ['$ npm run demo', '', ...lines.slice(0, evidenceAt), '…', lines.at(-1) ?? ''];
writeFileSync(path.join(root, 'docs/demo.svg'), draw(shown));

function draw(rows: readonly string[]): string {
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH) + 40;
  const height = rows.length * LINE_HEIGHT + 60;
  const text = rows.map((row, index) => drawLine(row, 56 + index * LINE_HEIGHT)).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="The demo in a terminal: two labelled issues become two pull requests">
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" fill="#e6edf3">
${text}
</g>
</svg>
`;
}

/** One line of the terminal; every run of one style is a tspan of fixed width, so that fonts of other widths keep the columns. */
function drawLine(row: string, y: number): string {
  let style = new Set<string>();
  let column = 0;
  const spans: string[] = [];
  // oxlint-disable-next-line no-control-regex -- the escape sequences of colours
  for (const part of row.split(/(\u001b\[[0-9;]*m)/)) {
    // oxlint-disable-next-line no-control-regex -- the same
    const codes = /^\u001b\[([0-9;]*)m$/.exec(part)?.[1];
    if (codes !== undefined) {
      style = applyCodes(style, codes.split(';'));
      continue;
    }
    const text = stripVTControlCharacters(part).slice(0, Math.max(0, COLUMNS - column));
    if (text === '') continue;
    const x = (20 + column * CHARACTER_WIDTH).toFixed(1);
    const length = (text.length * CHARACTER_WIDTH).toFixed(1);
    spans.push(`<tspan x="${x}" textLength="${length}"${toAttributes(style)}>${escape(text)}</tspan>`);
    column += text.length;
  }
  return `<text y="${y}">${spans.join('')}</text>`;
}

function applyCodes(style: ReadonlySet<string>, codes: readonly string[]): Set<string> {
  const next = new Set(style);
  for (const code of codes) {
    if (code === '' || code === '0') next.clear();
    else if (code === '22') ['1', '2'].forEach((weight) => next.delete(weight));
    else if (code === '39') Object.keys(FOREGROUND).forEach((colour) => next.delete(colour));
    else next.add(code);
  }
  return next;
}

function toAttributes(style: ReadonlySet<string>): string {
  const colour = Object.entries(FOREGROUND).find(([code]) => style.has(code))?.[1];
  return [
    colour === undefined ? '' : ` fill="${colour}"`,
    style.has('1') ? ' font-weight="bold"' : '',
    style.has('2') ? ' opacity="0.6"' : '',
  ].join('');
}

function escape(text: string): string {
  // Spaces that no renderer folds.
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(' ', '\u00a0');
}
