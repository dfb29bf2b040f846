import { styleText } from 'node:util';
import { toOneLine } from './strip-control.ts';

/** Longer texts are cut: they would only wrap. */
const MAX_CHARACTERS = 300;

/** Anybody's text on one line of a terminal. */
export function plain(text: string, maxCharacters = MAX_CHARACTERS): string {
  return toOneLine(text, maxCharacters);
}

export type Style = Parameters<typeof styleText>[0];
export type Cell = string | { text: string; style: Style };

/** Cells may hold anybody's text; they are cleaned here. */
export function toTable(rows: readonly Cell[][]): string {
  const cells = rows.map((row) =>
    row.map((cell) =>
      typeof cell === 'string' ? { text: plain(cell), style: null } : { ...cell, text: plain(cell.text) },
    ),
  );
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.text.length ?? 0)),
  );
  return cells
    .map((row) =>
      row
        .map(({ text, style }, column) => {
          const padding = ' '.repeat((widths[column] ?? 0) - text.length);
          return (style === null ? text : styleText(style, text)) + padding;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
