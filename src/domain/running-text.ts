/** A text of several lines, with a list in it or not, as sentences of one line: for a timeline, a table, a sentence of ours. Plain text. */
export function toRunningText(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines
    .map((line, at) => {
      if (!line.startsWith('- ')) return line.trim();
      const item = line.slice(2).trim();
      const next = lines[at + 1];
      if (next === undefined || /[.:?!;]$/.test(item)) return item;
      return `${item}${next.startsWith('- ') ? ';' : '.'}`;
    })
    .join(' ');
}
